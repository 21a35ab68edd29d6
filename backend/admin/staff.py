from uuid import UUID

from django.contrib.auth.backends import BaseBackend

from backend.orm.models import User


class StaffBackend(BaseBackend):
    """Finds the user of an admin session, for every request.

    It does not authenticate: that is `SignInForm`'s work. Django itself ends a session
    whose account has another password, and the site one whose account is not staff.
    """

    def get_user(self, user_id: UUID) -> User | None:
        active = User.objects.select_related("role").filter(is_active=True)
        return active.filter(pk=user_id).first()
