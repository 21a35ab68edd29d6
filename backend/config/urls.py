"""What Django's own commands and handler see; `LeanHandler` is given the same."""

from backend.config.api_container import ApiContainer

urlpatterns = ApiContainer.current().api.urlpatterns
