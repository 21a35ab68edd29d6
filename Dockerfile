# One image for API, worker and management commands. Kept to what the legacy builder reads.
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS build
# `tracing`: with the packages of that extra; nothing: without any.
ARG EXTRAS=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/mediaproject
WORKDIR /build
COPY requirements/build.txt requirements/runtime.txt requirements/tracing.txt requirements/
# What builds our package is in a place of its own, so that the image does not get it.
RUN python3 -m venv /opt/builder \
    && /opt/builder/bin/pip install --quiet --require-hashes --requirement requirements/build.txt \
    && /opt/mediaproject/bin/pip install --quiet --require-hashes --only-binary :all: --requirement requirements/${EXTRAS:-runtime}.txt
COPY pyproject.toml README.md ./
COPY backend backend
# pip is of no use to a process that may write nowhere, and Debian's venv brings setuptools.
RUN /opt/builder/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /build/wheels . \
    && /opt/mediaproject/bin/pip install --quiet --no-deps /build/wheels/*.whl \
    && /opt/mediaproject/bin/python -m pip freeze --all | grep --extended-regexp --only-matching '^(setuptools|wheel)\b' \
       | xargs --no-run-if-empty /opt/mediaproject/bin/pip uninstall --quiet --yes \
    && /opt/mediaproject/bin/pip uninstall --quiet --yes pip
# What no process of ours reads: other services of AWS, translations (USE_I18N is off), sources of C.
RUN cd /opt/mediaproject/lib/python3.*/site-packages \
    && find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 -exec rm -r {} + \
    && find django -type d -path '*/locale/*' -prune ! -name en -exec rm -r {} + \
    && find . -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -name '*.pyi' \) -delete

FROM ${BASE}
# The user has a number, so that Kubernetes can see that it is not root.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin mediaproject \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/mediaproject /var/lib/mediaproject/staging
COPY --from=build /opt/mediaproject /opt/mediaproject
WORKDIR /app
COPY manage.py ./
COPY deploy/container container
ENV PATH=/opt/mediaproject/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=backend.config.settings \
    STAGING_DIR=/var/lib/mediaproject/staging \
    LOG_FORMAT=json
USER 10001:10001
VOLUME /var/lib/mediaproject/staging
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 CMD ["python", "container/is_healthy.py"]
# Every interface of the container: what reaches it is for whoever publishes the port to say.
CMD ["python", "-m", "uvicorn", "backend.config.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--lifespan", "on", \
     "--no-access-log", "--no-server-header", "--no-proxy-headers", "--timeout-graceful-shutdown", "8", \
     "--loop", "uvloop", "--http", "backend.api.http.protocol:BoundedHttpProtocol"]
