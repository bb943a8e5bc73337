"""What certificates are checked against, and the adapter that makes requests check against it."""

import os
import ssl
import sys
from pathlib import Path
from typing import Any

import truststore
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.retry import Retry

_POOL = 32
_NEVER_AGAIN = Retry(total=0, read=False)


def trusted(bundle: str | None) -> ssl.SSLContext:
    """
    Return what certificates are checked against: *bundle*, or what the operating system and certifi trust.

    That is pip's own rule since 24.2. One context serves all connections: requests would read certifi's file again
    for each, and truststore the system's, 35 ms of work every time; truststore also lets only one shake hands at once.
    Raises `OSError` when *bundle* cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if bundle is not None:
        folder = Path(bundle).is_dir()
        context.load_verify_locations(cafile=None if folder else bundle, capath=bundle if folder else None)
        return context
    system = ssl.get_default_verify_paths()
    if sys.platform != "linux" or not (system.cafile or system.capath):
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_default_verify_paths()
    context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)
    return context


def bundle_of_environment() -> str | None:
    """Return the bundle that the environment names, by the variables that requests and pip read."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or None


class TrustingAdapter(HTTPAdapter):
    """Checks certificates with one context of ours; None: with none, for `http` and for hosts trusted unchecked."""

    def __init__(self, *, context: ssl.SSLContext | None, retries: Retry = _NEVER_AGAIN) -> None:
        """Check with *context*; send again as *retries* says."""
        self._context = context
        super().__init__(pool_connections=_POOL, pool_maxsize=_POOL, max_retries=retries)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - requests' own signature
        """Make a pool that checks with our context."""
        if self._context is not None:
            kwargs["ssl_context"] = self._context
        super().init_poolmanager(*args, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401 - requests' own signature
        """Make a pool behind *proxy* that checks with our context."""
        if self._context is not None:
            kwargs["ssl_context"] = self._context
        return super().proxy_manager_for(proxy, **kwargs)

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """Leave out the bundle that requests would load into our context."""
        host, pool = super().build_connection_pool_key_attributes(*args, **kwargs)
        if self._context is not None:
            pool.pop("ca_certs", None)
            pool.pop("ca_cert_dir", None)
        return host, pool

    def cert_verify(self, conn: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Leave the checking to our context."""
        super().cert_verify(conn, *args, **kwargs)  # type: ignore[no-untyped-call]
        if self._context is not None:
            conn.ca_certs = conn.ca_cert_dir = None
