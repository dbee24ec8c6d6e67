"""Run the tests without sockets, threads and processes on CPython 3.14, in Pyodide (`run.mjs`).

`/site` has the wheel with all extras, `/checkout` the tests.
"""

import importlib
import os
import pkgutil
import sys
import warnings

sys.path.insert(0, "/site")
os.chdir("/checkout")
# pytest warns about a plugin that was imported before pytest.
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

importlib.import_module("django.conf").settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"]
)
importlib.import_module("django").setup()

PACKAGES = ["vendo", "vendo_django", "vendo_flask", "vendo_pytest", "vendo_starlette"]
imported = 0
with warnings.catch_warnings():
    warnings.simplefilter("error")
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(folder, f"{package}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
                imported += 1
assert imported > 100, imported
sys.stdout.write(f"{sys.version}\n{imported} modules import without a warning\n")

sys.path.append("tests")
annotations = importlib.import_module("support.annotations").Annotations()
for package in PACKAGES:
    annotations.add_package(package)
assert annotations.unreadable == [], annotations.unreadable
assert len(annotations.read) > 500, len(annotations.read)
sys.stdout.write(f"the annotations of {len(annotations.read)} public objects can be read\n")

PATHS = ["tests/protocol", "tests/reconciler/test_mapping.py", "tests/web"]
PATHS += [f"tests/sessions/test_{name}.py" for name in ("placement", "policy")]
PATHS += [
    f"tests/core/test_{name}.py"
    for name in (
        *("annotations", "cache", "cache_model", "catalog", "deployment", "errors", "headers"),
        *("oss_mode", "sso", "values"),
    )
]
#: Words in the names of the tests that need a socket, a thread, a process, IPv6 or a deep stack.
NEED_MORE = [
    *("adapter", "async", "break_anywhere", "by_one_thread", "came_from_vendo"),
    *("came_over_a_socket", "deep", "imported_last", "imports_nothing", "loads_nothing"),
    *("loads_no_annotations", "local_server", "packages_of_sessions"),
    *("any_error_bytes", "any_signed", "loopback_where_the_system_reads_it_so"),
    *("connect_changes_nothing", "return_forgets_the_old_token", "denial_no_token_is_forgotten"),
    *("lease_is_renewed", "lease_that_is_being_renewed", "deliveries_at_once", "operator_sees"),
]
pytest = importlib.import_module("pytest")
PLUGINS = ["-p", "vendo_pytest.plugin", "-p", "xdist", "-n0", "-p", "no:cacheprovider"]
OPTIONS = ["-o", "faulthandler_timeout=0"]  # it needs a thread
sys.exit(pytest.main([*PLUGINS, *OPTIONS, "-k", f"not ({' or '.join(NEED_MORE)})", *PATHS]))
