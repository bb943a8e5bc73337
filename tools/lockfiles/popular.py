"""Popular projects, locked by hand from the configured registries: what loopback cannot have thought of."""

from tools.lockfiles.projects import NodeProject, PythonProject

PYTHON = tuple(
    PythonProject(name=f"on-{name}", requires=requires, python=">=3.11,<3.14")
    for name, requires in {
        "flask": ("flask", "gunicorn; sys_platform != 'win32'"),
        "django": ("django", "djangorestframework", "psycopg[binary]"),
        "fastapi": ("fastapi[standard]",),
        "jupyterlab": ("jupyterlab",),
        "pandas": ("pandas[excel,plot]",),
        "tests": ("pytest", "pytest-cov", "hypothesis", "tox", "black", "mypy"),
        "http": ("requests[socks]", "httpx[http2,cli]", "aiohttp[speedups]"),
        "learning": ("scikit-learn", "scipy"),
        "celery": ("celery[redis]", "sqlalchemy[asyncio]", "alembic"),
        "sphinx": ("sphinx", "myst-parser", "furo", "twine"),
    }.items()
)

RANGES = {"vite": "^6.0.0", "@vitejs/plugin-react": "^4.0.0", "@vitejs/plugin-vue": "^5.0.0"}
"""Where the newest ones require, if they can have it, a package that not every mirror has."""

NODE = tuple(
    NodeProject(
        name=f"on-{name}",
        manifest={"dependencies": {one: RANGES.get(one, "*") for one in names}},
    )
    for name, names in {
        "express": ("express", "helmet", "morgan"),
        "vite-react": ("vite", "react", "react-dom", "@vitejs/plugin-react"),
        "react-scripts": ("react-scripts", "react", "react-dom"),
        "next": ("next", "react", "react-dom"),
        "webpack": ("webpack", "webpack-cli", "webpack-dev-server", "babel-loader", "@babel/core", "@babel/preset-env"),
        "eslint": ("eslint", "prettier", "eslint-config-prettier"),
        "jest": ("jest", "supertest"),
        "vue": ("vue", "@vitejs/plugin-vue", "vite", "pinia"),
        "nest": ("@nestjs/core", "@nestjs/common", "@nestjs/platform-express", "rxjs", "reflect-metadata"),
        "electron": ("electron-builder", "esbuild", "sharp"),
    }.items()
)
