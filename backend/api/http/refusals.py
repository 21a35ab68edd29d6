"""The refusals that only HTTP knows."""

from backend.domain.errors import Malformed, MediaProjectError


class MethodNotAllowed(MediaProjectError):
    """The path exists, the method does not."""

    code = "method_not_allowed"
    title = "Method not allowed"
    usual_detail = "The path exists; the header Allow names its methods."
    retryable = False
    advice = "Use one of the methods in the header `Allow`."


class SlowBody(MediaProjectError):
    """The client sent nothing for too long."""

    code = "body_too_slow"
    title = "The request body came too slowly"
    usual_detail = "Nothing was received for too long."
    retryable = True
    advice = "Send the body without long pauses, over a better connection."


class MalformedJson(Malformed):
    code = "malformed_json"
    title = "The body is not JSON"
    usual_detail = "The body breaks the syntax of JSON, or is not UTF-8."
    retryable = False
    advice = "Send one JSON document in UTF-8."


class MalformedMultipart(Malformed):
    code = "malformed_multipart"
    title = "The body is not multipart/form-data"
    usual_detail = "The body breaks the syntax of multipart/form-data."
    retryable = False
    advice = "Let an HTTP library build the multipart/form-data body."


class ClientDisconnected(Malformed):
    """The client left before its body was complete; nobody reads the answer."""

    code = "client_disconnected"
    title = "The client left"
    usual_detail = "The connection was closed before the body was complete."
    retryable = True
    advice = "Send the request again and keep the connection open until the answer."
