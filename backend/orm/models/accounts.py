from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from backend.domain.rights import (
    ROLE_NAME_MOST_CHARACTERS,
    ROLE_NAME_PATTERN,
    Right,
)
from backend.orm.constraints import Checks

_ROLE = Checks("role")
_USER = Checks("user")
_SESSION = Checks("session")


class Role(models.Model):
    """A named set of rights: data, so that admins may add more."""

    name = models.CharField(primary_key=True, max_length=ROLE_NAME_MOST_CHARACTERS)
    built_in = models.BooleanField(default=False)
    rights = ArrayField(models.CharField(max_length=50), default=list)

    class Meta:
        db_table = "role"
        constraints = [
            _ROLE.that(
                "rights_known",
                Q(rights__contained_by=[right.value for right in Right]),
            ),
            _ROLE.that("name_is_a_slug", Q(name__regex=ROLE_NAME_PATTERN)),
        ]

    def __str__(self) -> str:
        return self.name


class User(AbstractBaseUser):
    """Signs in with e-mail and password and has one role."""

    uuid = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    email = models.EmailField(unique=True, max_length=254)
    role = models.ForeignKey(Role, models.PROTECT, related_name="users")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_login = None  # Sessions record it better.

    USERNAME_FIELD = "email"

    class Meta:
        db_table = "user"
        constraints = [_USER.that("email_is_folded", Q(email=Lower(F("email"))))]
        indexes = [
            models.Index(fields=["-created_at", "-uuid"], name="user_newest_first")
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_staff(self) -> bool:
        """Holders of `user.manage` are Django staff."""
        return Right.USER_MANAGE in self.role.rights

    def has_right(self, right: Right) -> bool:
        return self.is_active and right in self.role.rights

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django's own permissions are not used: staff may view everything."""
        return self.is_active and self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff


class Session(models.Model):
    """One sign-in: a family of refresh tokens of which only the latest is valid."""

    uuid = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    refresh_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    refreshed_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "session"
        constraints = [_SESSION.sha256("refresh_digest")]

    def __str__(self) -> str:
        return str(self.uuid)
