"""Sends every HTTP request of this pip to the gateway, with its original URL and headers."""

import base64
import json
import os
import threading
import weakref

PROXIES = ("http_proxy", "https_proxy", "all_proxy")

BUILD = "X-Safeinstall-Build"

_now = threading.local()


def patch(settings, building):
    """
    Patch pip's vendored HTTP adapter; raises when it is not as we know it. *building*: this pip serves a build.

    `request.url` and `response.url` stay original, so links, credentials and cache keys are pip's own.
    """
    from pip._vendor import requests, urllib3
    from pip._vendor.requests import adapters, utils
    from pip._vendor.urllib3.util import connection

    host, port = settings["gateway"]["host"], settings["gateway"]["port"]
    prefix = "/" + settings["gateway"]["secret"] + "/"
    pool = urllib3.HTTPConnectionPool(host, port, maxsize=16)
    adapter = adapters.HTTPAdapter
    for name in ("cert_verify", "request_url", "get_connection"):
        getattr(adapter, name)
    has_environment = any(os.environ.get(name) or os.environ.get(name.upper()) for name in PROXIES)

    def get_connection(self, *args, **kwargs):
        return pool

    def cert_verify(self, conn, url, verify, cert):
        # pip's own adapters for trusted hosts come through here with verify=False: this is the final word.
        _now.trust = (verify, cert)

    def request_url(self, request, proxies):
        verify, cert = _now.trust
        proxy = utils.select_proxy(request.url, proxies)
        if proxy is None and has_environment:
            proxy = ""
        context = {}
        if verify is not True:
            context["verify"] = verify
        if cert is not None:
            context["cert"] = cert
        if proxy is not None:
            context["proxy"] = proxy
        if building:
            request.headers[BUILD] = "1"
        return prefix + encoded(context) + "/" + request.url.split("#", 1)[0]

    adapter.get_connection = get_connection
    if hasattr(adapter, "get_connection_with_tls_context"):
        adapter.get_connection_with_tls_context = get_connection
    adapter.cert_verify = cert_verify
    adapter.request_url = request_url

    # The net below: whatever reaches urllib3 by another way may connect to the gateway and to nothing else.
    original = connection.create_connection

    def create_connection(address, *args, **kwargs):
        if (address[0], address[1]) != (host, port):
            raise OSError("safeinstall refused a connection past its gateway to %s:%s" % (address[0], address[1]))
        return original(address, *args, **kwargs)

    connection.create_connection = create_connection
    patch_cache(settings["phase"] == "plan")
    assert requests.adapters.HTTPAdapter is adapter


def encoded(context):
    """Return *context* as the gateway reads it."""
    if not context:
        return "-"
    text = json.dumps(context, sort_keys=True).encode("utf-8")
    return base64.urlsafe_b64encode(text).decode("ascii").rstrip("=")


def patch_cache(planning):
    """
    Keep pip's HTTP cache from answering, and our pages out of it.

    A cached answer would never be seen by the gateway; a frozen page in the cache would be read by a later, plain pip.
    """
    try:
        from pip._vendor.cachecontrol.controller import CacheController
    except ImportError:  # a pip without a cache
        return
    original = CacheController.cache_response

    def cached_request(self, request):
        return False

    def conditional_headers(self, request):
        return {}

    def cache_response(self, request, response, *args, **kwargs):
        # Some versions hand a weak reference over.
        held = response() if isinstance(response, weakref.ref) else response
        if planning or held is None or "no-store" in (held.headers.get("cache-control") or "").lower():
            return None
        return original(self, request, response, *args, **kwargs)

    CacheController.cached_request = cached_request
    CacheController.conditional_headers = conditional_headers
    CacheController.cache_response = cache_response
