"""`flask vendo` of an application that brings its packages along."""

import sys

sys.path += sys.argv.pop(1).split(":")  # where Flask is

from flask import Flask
from flask.cli import ScriptInfo

from vendo_flask import FlaskVendo

app = Flask(__name__)
FlaskVendo(app)
app.cli.main(["vendo", *sys.argv[1:]], obj=ScriptInfo(create_app=lambda: app))
