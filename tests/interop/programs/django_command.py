"""`manage.py vendo` of a project that brings its packages along."""

import sys

sys.path += sys.argv.pop(1).split(":")  # where Django is

from django.conf import settings
from django.core.management import execute_from_command_line

urlpatterns: list[object] = []
settings.configure(
    INSTALLED_APPS=["vendo_django"], ROOT_URLCONF=__name__, SECRET_KEY="test-key" * 8
)
execute_from_command_line(["manage.py", "vendo", *sys.argv[1:]])
