import asyncio
from typing import Any, cast

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.handlers.asgi import ASGIRequest

from backend.domain.accounts import PASSWORD_MOST_CHARACTERS, Credentials, EmailAddress
from backend.domain.errors import BadCredentials
from backend.orm.models import User
from backend.use_cases.check_password import CheckPassword


class SignInForm(AdminAuthenticationForm):
    """Lets in staff whom the API would let in, under the same limits.

    `TooManySignIns` and `Overloaded` pass through it: they are pages of their own.
    """

    password = forms.CharField(
        strip=False,
        max_length=PASSWORD_MOST_CHARACTERS,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(
        self,
        check_password: CheckPassword,
        request: ASGIRequest | None = None,
        **options: Any,
    ) -> None:
        super().__init__(request, **options)
        self._check_password = check_password

    def clean(self) -> dict[str, Any]:
        email = self.cleaned_data.get("username")
        password = self.cleaned_data.get("password")
        if email and password:
            self.user_cache = self._user(self._folded(email), password)
            self.confirm_login_allowed(self.user_cache)
        return self.cleaned_data

    def _folded(self, email: str) -> str:
        try:
            return EmailAddress.folded(email)
        except ValueError:
            raise self.get_invalid_login_error() from None

    def _user(self, email: str, password: str) -> User:
        try:
            found = self._credentials(email, password)
        except BadCredentials:
            raise self.get_invalid_login_error() from None
        unchanged = User.objects.select_related("role").filter(
            pk=found.user_id, password=found.password_hash, is_active=True
        )
        if (user := unchanged.first()) is None:
            raise self.get_invalid_login_error()
        return user

    def _credentials(self, email: str, password: str) -> Credentials:
        """Passwords are checked from the event loop; this thread waits."""
        scope = cast(ASGIRequest, self.request).scope
        checking = self._check_password.execute(
            email, password, scope["client_address"]
        )
        return asyncio.run_coroutine_threadsafe(checking, scope["loop"]).result()
