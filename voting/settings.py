"""Settings, all from the environment. With none given, this is a developer's machine: SQLite, DEBUG, loopback only.

| variable | default | meaning |
|---|---|---|
| DEBUG | true; false under wsgi.py | refused unless every one of ALLOWED_HOSTS is this machine |
| SECRET_KEY | needed when DEBUG is off | signs sessions; never part of an election |
| ALLOWED_HOSTS | this machine | names that the site answers to, separated by commas |
| DATABASE_URL | SQLite in var/tashika.sqlite3 | `postgres://user:password@host/name` in production |
| BOARD_KEY_FILE | var/board.key | the Ed25519 key that signs the board's checkpoints |
"""

from __future__ import annotations

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
THIS_MACHINE = ["localhost", "127.0.0.1", "[::1]"]

env = environ.Env()

DEBUG = env.bool("DEBUG", default=True)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=THIS_MACHINE)
if DEBUG and not set(ALLOWED_HOSTS) <= set(THIS_MACHINE):
    raise ImproperlyConfigured("DEBUG is on and ALLOWED_HOSTS is public: set DEBUG=false")
SECRET_KEY: str = env.str("SECRET_KEY", default="for development only") if DEBUG else env.str("SECRET_KEY")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "voting.elections",
    "voting.board",
    "voting.demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "voting.urls"
WSGI_APPLICATION = "voting.wsgi.application"

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'tashika.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    VAR_DIR.mkdir(exist_ok=True)
    # A transaction that only later turns to writing cannot wait for its turn: SQLite answers "database is locked" at
    # once. So every one asks for the write lock when it begins, and waits up to 20 s; readers go on meanwhile (WAL).
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # Without recursive triggers a REPLACE would slip past the triggers that keep the board append-only.
        "init_command": "PRAGMA journal_mode = WAL; PRAGMA recursive_triggers = ON",
    }

LANGUAGE_CODE = "ja"
TIME_ZONE = "Asia/Tokyo"
USE_TZ = True

STATIC_URL = "static/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG

BOARD_KEY_FILE = Path(env.str("BOARD_KEY_FILE", default=str(VAR_DIR / "board.key")))
