"""Settings, all from the environment. With none given, this is a developer's machine: SQLite, DEBUG, loopback only.

| variable | default | meaning |
|---|---|---|
| DEBUG | true; false under wsgi.py | refused unless every one of ALLOWED_HOSTS is this machine |
| SECRET_KEY | needed when DEBUG is off | signs sessions; never part of an election |
| ALLOWED_HOSTS | this machine | names that the site answers to, separated by commas |
| DATABASE_URL | SQLite in var/tashika.sqlite3 | `postgres://user:password@host/name` in production |
| BEHIND_PROXY | false | a proxy ends TLS and sets X-Forwarded-Proto and X-Forwarded-For: believe it |
| BOARD_KEY_FILE | var/board.key | the Ed25519 key that signs the board's checkpoints |
| REGISTRAR_KEY_FILE | var/registrar.key | the Ed25519 key that signs voters' credentials |
| EVIDENCE_KEY_FILE | var/evidence.key | the key under which evidence files are encrypted |
| CODE_KEY_FILE | var/code.key | the key of the digests of one-time codes and of voters' identities |
| CARD_ISSUER | none: no login with the card | the issuer of the OpenID Connect provider; with it, all of CARD_… |
| CARD_CLIENT_ID | needed with CARD_ISSUER | our name at the provider |
| CARD_AUTHORIZE_URL | needed with CARD_ISSUER | where voters are sent to |
| CARD_TOKEN_URL | needed with CARD_ISSUER | where codes are exchanged |
| CARD_USERINFO_URL | needed with CARD_ISSUER | where the four attributes are |
| CARD_JWKS_URL | needed with CARD_ISSUER | where the provider's public keys are |
| CARD_KEY_FILE | var/card.key | our private P-256 key, PEM or JWK; `manage.py card_key` prints the public one |
| OFFICIALS_SECOND_FACTOR | true | officials' login asks for a six-digit code; false only while DEBUG is on |
| EVIDENCE_SCAN_COMMAND | none | virus scanner: reads a file from stdin, exits with 0 (clean) or 1 (infected) |
| EVIDENCE_RETENTION_DAYS | 30 | how long evidence files are kept after election day: the time for objections |
| EMAIL_URL | files in var/mail, under DEBUG | where notices to voters go, such as `smtp+tls://user:password@host:587` |
| EMAIL_FROM | no-reply@localhost | the sender of notices |
| CACHE_URL | memory of one process | where tries are counted; several processes need one: `rediscache://…` |
| REDIS_URL | none: the site counts by itself | where work of Celery workers lies: `redis://host`; not CACHE_URL |
| COUNT_JOBS | 2 | with REDIS_URL: how many processes serve the queue `work`, on all machines |
| MIXER_KEYS | var/mixers | without REDIS_URL: a directory with the keys of mixers on this machine, `*.key` |
| SITE_URL | none: notices have no link | the address of this site in notices, such as `https://vote.example` |
"""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.conf.locale import LANG_INFO
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
    "voting.officials.admin_config.OfficialsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "rest_framework",
    "voting.access",
    "voting.officials",
    "voting.elections",
    "voting.board",
    "voting.roll",
    "voting.applications",
    "voting.credentials",
    "voting.polls",
    "voting.counting",
    "voting.trustees",
    "voting.results",
    "voting.records",
    "voting.login",
    "voting.guide",
    "voting.apply",
    "voting.booth",
    "voting.check",
    "voting.demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "voting.guide.ruby.ReadingsAboveKanji",
    "django.middleware.csrf.CsrfViewMiddleware",
    "voting.nul.RefuseNul",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "voting.officials.middleware.SecondFactorRequired",
    "axes.middleware.AxesMiddleware",  # last: it replaces answers to those who are locked out
]
if not DEBUG:
    MIDDLEWARE.insert(1, "whitenoise.middleware.WhiteNoiseMiddleware")  # serves what collectstatic collected
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
                "voting.guide.display.display",
            ],
        },
    },
]
AUTH_USER_MODEL = "officials.Official"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator", "NumericPasswordValidator")
] + [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
]
LOGIN_URL = "admin:login"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
OFFICIALS_SECOND_FACTOR: bool = env.bool("OFFICIALS_SECOND_FACTOR", default=True)
if not (OFFICIALS_SECOND_FACTOR or DEBUG):
    raise ImproperlyConfigured("OFFICIALS_SECOND_FACTOR is false and DEBUG is off: nobody logs in by a password alone")
OTP_TOTP_ISSUER = "Tashika"
# Locked out is one address for one user name: nobody locks an official out from elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = "voting.officials.lockout.wait"
AXES_LOCKOUT_CALLABLE = "voting.officials.lockout.locked_out"
AXES_CLIENT_IP_CALLABLE = "voting.officials.lockout.client_address"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
# The waits grow with this log. Axes would begin to forget it with the newest rows, so it is not limited.
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_ACCESS_FAILURE_LOG_PER_USER_LIMIT = 10**9
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
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
LANGUAGES = [("ja", "日本語"), ("ja-easy", "やさしい日本語"), ("en", "English")]
LANG_INFO["ja-easy"] = {"bidi": False, "code": "ja-easy", "name": "Easy Japanese", "name_local": "やさしい日本語"}
LOCALE_PATHS = [BASE_DIR / "voting" / "locale"]
TIME_ZONE = "Asia/Tokyo"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "voting" / "static"]
STATIC_ROOT = BASE_DIR / "build" / "static"
# Nothing from elsewhere, nothing inline; framed by nobody.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# Behind a proxy that ends TLS, and that sets these headers itself whatever a client sends.
BEHIND_PROXY: bool = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 0 if DEBUG else 365 * 24 * 60 * 60
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG

BOARD_KEY_FILE = Path(env.str("BOARD_KEY_FILE", default=str(VAR_DIR / "board.key")))
REGISTRAR_KEY_FILE = Path(env.str("REGISTRAR_KEY_FILE", default=str(VAR_DIR / "registrar.key")))
EVIDENCE_KEY_FILE = Path(env.str("EVIDENCE_KEY_FILE", default=str(VAR_DIR / "evidence.key")))
CODE_KEY_FILE = Path(env.str("CODE_KEY_FILE", default=str(VAR_DIR / "code.key")))
CARD_ISSUER: str = env.str("CARD_ISSUER", default="")
CARD_LOGIN = bool(CARD_ISSUER)
CARD_CLIENT_ID: str = env.str("CARD_CLIENT_ID") if CARD_LOGIN else ""
CARD_AUTHORIZE_URL: str = env.str("CARD_AUTHORIZE_URL") if CARD_LOGIN else ""
CARD_TOKEN_URL: str = env.str("CARD_TOKEN_URL") if CARD_LOGIN else ""
CARD_USERINFO_URL: str = env.str("CARD_USERINFO_URL") if CARD_LOGIN else ""
CARD_JWKS_URL: str = env.str("CARD_JWKS_URL") if CARD_LOGIN else ""
CARD_KEY_FILE = Path(env.str("CARD_KEY_FILE", default=str(VAR_DIR / "card.key")))
EVIDENCE_SCAN_COMMAND: list[str] = shlex.split(env.str("EVIDENCE_SCAN_COMMAND", default=""))
EVIDENCE_RETENTION_DAYS: int = env.int("EVIDENCE_RETENTION_DAYS", default=30)
UPLOAD_DIR = VAR_DIR / "uploads"
# A ballot of fifty judges and a hundred options at 4096 bits has about one megabyte; some have two and a half.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 << 20

vars().update(env.email_url("EMAIL_URL", default=f"filemail:///{VAR_DIR / 'mail'}" if DEBUG else "smtp://localhost:25"))
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="no-reply@localhost")
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
REDIS_URL: str = env.str("REDIS_URL", default="")
_CACHE_URL: str = env.str("CACHE_URL", default="")
if (
    REDIS_URL
    and not DEBUG
    and urlsplit(REDIS_URL).netloc.rpartition("@")[2] == urlsplit(_CACHE_URL).netloc.rpartition("@")[2]
):
    raise ImproperlyConfigured("CACHE_URL and REDIS_URL name one server: mixers could write what the site unpickles")
COUNT_JOBS: int = env.int("COUNT_JOBS", default=2)
MIXER_KEYS = Path(env.str("MIXER_KEYS", default=str(VAR_DIR / "mixers")))
SITE_URL: str = env.str("SITE_URL", default="").rstrip("/")
if SITE_URL and not SITE_URL.startswith(("https://", "http://") if DEBUG else "https://"):
    raise ImproperlyConfigured("SITE_URL is not an https address: voters get it in messages")
