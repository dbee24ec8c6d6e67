"""The names of variables that a backend may not choose: they steer programs.

A program that reads the env file obeys such variables, and so does all that it starts: they load
code, choose programs and files, and send requests, with their tokens, elsewhere. So does the
variable of another provider. Only the caller may name one, as a key of `mapping=`.

The lists are from the manuals of the programs. A `*` is any text. Case does not count: it does not
on Windows, and many programs read `http_proxy` as well.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from vendo._catalog import catalog
from vendo._config.environment import CredentialVariable, base_url_variable
from vendo._protocol.log import logger

_VARIABLES: Final = {
    "vendo": "VENDO_*",
    "the dynamic loader": """
        LD_* LDR_* DYLD_* _RLD* LIBPATH SHLIB_PATH *_LIBRARY_PATH *_PRELOAD *_PLUGIN_PATH
        *_MODULE_PATH MODULE_PATH GTK_MODULES GTK_PATH GDK_PIXBUF_MODULE* GIO_* GCONV_PATH
        GETCONF_DIR OCL_ICD_* VK_* LIBGL_* LIBMYSQL_PLUGIN* PGGSSLIB ODBCINI ODBCINSTINI
        ODBCSYSINI""",
    "the C library": """
        GLIBC_* MALLOC_* LIBC_* *SAN_OPTIONS LANG LANGUAGE LC_* LOCPATH NLSPATH ICU_DATA TZ TZDIR
        DATEMSK HOSTALIASES RES_OPTIONS RESOLV_* LOCALDOMAIN NIS_PATH KRB5* LDAPCONF LDAPRC
        LDAPTLS_* TERM TERMCAP TERMINFO* MAGIC""",
    "a shell": """
        PATH BASH* ENV IFS CDPATH FPATH MAILPATH SHELL SHELLOPTS KSH_* ZSH* ZDOTDIR FISH_* PS0 PS1
        PS2 PS3 PS4 NULLCMD READNULLCMD *PROMPT PROMPT_* GLOBIGNORE FIGNORE EXECIGNORE FCEDIT HIST*
        HOSTFILE INPUTRC FUNCNEST TMOUT TIMEFORMAT POSIXLY_CORRECT POSIX_PEDANTIC OPTARG OPTERR
        OPTIND UID EUID PPID GROUPS RANDOM SRANDOM LINENO FUNCNAME SECONDS EPOCH* _ HOME PWD OLDPWD
        USER USERNAME LOGNAME COMSPEC PATHEXT SYSTEMROOT SYSTEMDRIVE WINDIR PSMODULEPATH
        PSEXECUTIONPOLICYPREFERENCE POWERSHELL_* __*""",
    "where programs keep files": """
        TMP TEMP TMPDIR TEMPDIR XDG_* APPDATA LOCALAPPDATA PROGRAMDATA PROGRAMFILES* PROGRAMW6432
        COMMONPROGRAM* ALLUSERSPROFILE USERPROFILE HOMEDRIVE HOMEPATH PUBLIC NETRC GNUPGHOME""",
    "which programs are started": """
        EDITOR VISUAL PAGER BROWSER *_EDITOR *_VISUAL *_PAGER *_BROWSER MANPAGER MANOPT LESS* MORE
        VIM VIMINIT VIMRUNTIME MYVIMRC EXINIT NVIM_* EMACS* *_ASKPASS SUDO_* *_WRAPPER *_RSH DBUS_*
        DISPLAY WAYLAND_DISPLAY XAUTHORITY SYSTEMD_* LISTEN_* NOTIFY_SOCKET WATCHDOG_* MAGICK_*
        GS_LIB GS_OPTIONS""",
    "Python": """
        PYTHON* _PYTHON* __PYVENV* PIP_* UV_* PYENV_* VIRTUAL_ENV* VIRTUALENV_* CONDA_* POETRY_*
        PIPENV_* PDM_* HATCH_* TOX_* NOX* PYTEST_* _PYTEST* COVERAGE_* COV_CORE_* MYPY* RUFF_*
        NUMBA_* IPYTHON* JUPYTER_* MPLBACKEND MPLCONFIGDIR OTEL_PYTHON_*""",
    "a web framework or server": """
        DJANGO_* FLASK_* QUART_* CELERY_* GUNICORN_* UVICORN_* HYPERCORN_* GRANIAN_* UWSGI_*
        WERKZEUG_* WEB_CONCURRENCY FORWARDED_ALLOW_IPS WAITRESS_* RAILS_* RACK_* SPRING_* QUARKUS_*
        MICRONAUT_* ASPNETCORE_*""",
    "Node.js": """
        NODE_* NODENV_* NVM_* VOLTA_* NPM_CONFIG_* NPM_PACKAGE_* NPM_LIFECYCLE_* NPM_EXECPATH
        NPM_NODE_* YARN_* PNPM_* COREPACK_* BUN_* TS_NODE_* TSX_* BABEL_* ESBUILD_* ELECTRON_*
        PUPPETEER_* PLAYWRIGHT_* CHROME_PATH DENO_AUTH_TOKENS DENO_CERT DENO_DIR DENO_INSTALL*
        DENO_TLS_* DENO_V8_*""",
    "Perl": "PERL*",
    "Ruby": "RUBY* GEM_* BUNDLE_* BUNDLER_* RBENV_* RVM_* IRBRC PRYRC",
    "PHP": "PHPRC PHP_* COMPOSER_* XDEBUG_*",
    "Lua": "LUA_* LUAJIT_* LUAROCKS_*",
    "R": "R_HOME R_PROFILE* R_ENVIRON* R_LIBS* R_DEFAULT_* R_USER R_SHELL R_ARCH R_OPTIONS RHOME",
    "Erlang": "ERL_* ERLC_* ELIXIR_* MIX_* HEX_* REBAR_* ESCRIPT_*",
    "another interpreter": """
        AWK* LIBTCL TCL* TK_LIBRARY JULIA_* GHC* CABAL_* OCAML* CAML* GUILE_* PLT* SBCL_* DART_*
        SWIFT_* M4PATH""",
    "Java": """
        JAVA_* JDK_* JRE_* J2SDKDIR CLASSPATH *JAVA_OPTIONS *JAVA_OPTS *JAVA_TOOL_OPTIONS JVM_*
        MAVEN_* MVNW_* GRADLE_* ANT_* SBT_* KOTLIN_* SCALA_* GROOVY_* CATALINA_* JPDA_* JBOSS_*
        LOG4J_*""",
    ".NET": """
        DOTNET_* CORECLR_* COR_* COMPLUS_* MONO_* MSBUILD* NUGET_PACKAGES NUGET_PLUGIN_*
        NUGET_NETCORE_* NUGET_NETFX_* NUGET_CREDENTIALPROVIDERS_* _NT_*""",
    "Go": """
        CGO_* GCCGO GODEBUG GOFLAGS GOPATH GOROOT GOPROXY GONOPROXY GOSUMDB GONOSUMDB GONOSUMCHECK
        GOPRIVATE GOINSECURE GOENV GOTOOLCHAIN GOTOOLDIR GOBIN GOCACHE GOCACHEPROG GOMODCACHE
        GOEXPERIMENT GOMAXPROCS GOGC GOMEMLIMIT GOTRACEBACK GOTMPDIR GOAUTH GOVCS GOWORK GOOS GOARCH
        GOFIPS140 GOCOVERDIR GO111MODULE""",
    "a compiler or build tool": """
        CC CXX CPP LD AR AS NM LEX YACC STRIP OBJCOPY RANLIB PROTOC LIBRARY_PATH *FLAGS MAKE* MFLAGS
        LDLIBS GCC_* COMPILER_PATH CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH OBJC_INCLUDE_PATH
        DEPENDENCIES_OUTPUT SUNPRO_DEPENDENCIES PKG_CONFIG* CMAKE_* CTEST_* CCACHE_* DISTCC_*
        NINJA_* BAZEL* CONFIG_SITE ACLOCAL_PATH CARGO_* RUST* SOURCE_DATE_EPOCH""",
    "git or ssh": """
        GIT_* SSH* HG HGRCPATH HGEDITOR HGMERGE HGPLAIN SVN_* CVSROOT CVS_* RSYNC_* GH_HOST
        GH_CONFIG_DIR GH_PATH GITHUB_ENV GITHUB_PATH GITHUB_API_URL GITHUB_SERVER_URL
        GITHUB_GRAPHQL_URL GITLAB_HOST GITLAB_URI""",
    "a proxy": "*_PROXY *_PROXY_* SOCKS* TSOCKS_* PROXYCHAINS_* PROXY",
    "TLS": """
        SSL* OPENSSL_* GNUTLS_* NSS_* P11_KIT_* PKCS11_* *_CA_BUNDLE *_CABUNDLE *_CA_FILE *_CAFILE
        *_CA_PATH *_CAPATH *_CA_CERT *_CA_CERTS *_CACERT *_CERT_FILE *_CERT_DIR *_CERT_PATH
        *_SSL_CERT *_SSL_VERIFY *_SSL_NO_VERIFY *_VERIFY_SSL *_TLS_VERIFY *_SKIP_VERIFY *_INSECURE
        *_SSL_ROOTS_FILE_PATH PGSSL*""",
    "an HTTP library": "CURL_* REQUESTS_* HTTPX_* AIOHTTP_* HTTPLIB2_* GRPC_* WGETRC",
    "a client of a cloud or a database": """
        AWS_ENDPOINT_URL* AWS_CONFIG_FILE AWS_SHARED_* AWS_PROFILE AWS_DEFAULT_PROFILE
        AWS_CONTAINER_* AWS_WEB_IDENTITY_* AWS_EC2_METADATA_* AWS_LAMBDA_* AWS_DATA_PATH BOTO_*
        AZURE_AUTHORITY_HOST AZURE_CONFIG_DIR AZURE_POD_* IDENTITY_* MSI_* CLOUDSDK_* GCE_METADATA_*
        GOOGLE_EXTERNAL_ACCOUNT_* GOOGLE_API_USE_* *_EMULATOR_HOST KUBECONFIG KUBERNETES_* HELM_*
        DOCKER_HOST DOCKER_CONFIG DOCKER_CONTEXT DOCKER_CERT_* DOCKER_TLS* BUILDKIT_* CONTAINER_HOST
        COMPOSE_* TF_CLI_* TF_PLUGIN_* TF_DATA_DIR TF_REATTACH_* TERRAFORM_CONFIG ANSIBLE_*
        HF_ENDPOINT HF_HOME PGSERVICE* PGSYSCONFDIR PGPASSFILE PGOPTIONS PGLOCALEDIR MYSQL_HOME
        TNS_ADMIN ORACLE_HOME""",
    "a tool": """
        *_OPTIONS *_OPTS *_OPT *_ARGS *_CMD *_COMMAND GZIP ZIPOPT UNZIP BZIP BZIP2 XZ_DEFAULTS
        PSQLRC SCREENRC CONDARC MAILCAPS MAILRC MANPATH *_CONFIG_PATH *_CONFIG_FILE *_CONF_DIR
        *_CACHE_DIR *_HOME *_SETTINGS_MODULE""",
    "which code is loaded": """
        *_PYTHON *_LIBRARY *_LIBRARIES *_DRIVER_PATH SASL_PATH *_TRUST_REMOTE_CODE""",
    "a request": "*_CUSTOM_HEADERS *_EXTRA_HEADERS *_DEFAULT_HEADERS",
    "a package manager": "APT_* DEBIAN_* DPKG_* RPM_* HOMEBREW_* NIX_* SNAP_* FAKEROOT*",
}

_PATTERNS: Final = {
    what: re.compile("|".join(names.replace("*", "[A-Z0-9_]*").split()))
    for what, names in _VARIABLES.items()
}
_BASE_URL: Final = base_url_variable("").name
#: The ends of further names of addresses, which a backend may choose for its own provider.
_ADDRESSES: Final = (
    *("_API_BASE", "_API_URL", "_API_HOST", "_ADDR", "_BACKEND_URL"),
    *("_ENDPOINT", "_ENDPOINT_URL", "_HOST", "_SERVER_URL"),
)


def may_name(slug: str, name: str, path: tuple[str, ...]) -> bool:
    """Return whether a backend may choose this name for a field of a connection. Log it if not."""
    what = _steered(name.upper(), slug, path)
    if what is None:
        return True
    logger.warning(
        "The env_bootstrap of %s names %s, which steers %s, so it is not written. To write it "
        "all the same, make it a key of mapping= yourself.",
        slug,
        name[:80],
        what,
    )
    return False


def _steered(name: str, slug: str, path: tuple[str, ...]) -> str | None:
    if name.endswith(_BASE_URL):
        # Tokens go there. A pooled connection has a token and an address that belong together.
        is_own = name == base_url_variable(slug).name and path == ("base_url",)
        return None if is_own else "where tokens are sent"
    prefix = base_url_variable(slug).name.removesuffix(_BASE_URL.lstrip("_"))
    if name.endswith(_ADDRESSES) and not name.startswith(prefix):
        return "where tokens are sent"
    if name in _files():
        return "which file a credential is read from"
    owner = _owners().get(name, slug)
    if owner != slug:
        return f"requests to {owner}"
    return next((what for what, names in _PATTERNS.items() if names.fullmatch(name)), None)


@cache
def _owners() -> dict[str, str]:
    """Return the provider of each variable of the catalog."""
    return {name: slug for slug in catalog.slugs() for name in catalog.env_vars(slug)}


@cache
def _files() -> frozenset[str]:
    """Return `<VARIABLE>_FILE` of each credential of the catalog."""
    return frozenset(CredentialVariable(name).file.name for name in _owners())
