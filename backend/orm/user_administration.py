"""Accounts as administrators change them."""

from uuid import UUID

from django.db.models.functions import Now

from backend.domain.accounts import EmailAddress, NewUser, Profile, UserChange
from backend.domain.errors import EmailTaken, Invalid, UserNotFound
from backend.domain.freshness import Scope, Scopes
from backend.domain.media import Caller
from backend.domain.rights import Right
from backend.orm.administration import Administration
from backend.orm.callers import LockedCaller
from backend.orm.known_changes import KnownChanges
from backend.orm.models import Role, Session, User
from backend.orm.profiles import Profiles
from backend.orm.user_removal import UserRemoval
from backend.use_cases.ports import Freshness


class DjangoUserLedger:
    """The `UserLedger` port. Changes are made known after the commit."""

    def __init__(
        self,
        administration: Administration,
        removal: UserRemoval,
        freshness: Freshness,
    ) -> None:
        self._administration = administration
        self._removal = removal
        self._changes = KnownChanges(freshness)

    async def create(self, new: NewUser, caller: Caller) -> Profile:
        return await self._administration.run(self._create, new, caller)

    async def change(
        self, user_id: UUID, change: UserChange, caller: Caller
    ) -> Profile:
        changing = self._administration.run(self._change, user_id, change, caller)
        return await self._changes.changing(changing, Scopes.user(user_id))

    async def delete(
        self, user_id: UUID, transfer_to: UUID | None, caller: Caller
    ) -> None:
        deleting = self._administration.run(self._delete, user_id, transfer_to, caller)
        await self._changes.changing(
            deleting, Scopes.user(user_id), Scopes.MEDIA_LISTS, also=self._details
        )

    @staticmethod
    def _details(moved: list[UUID]) -> list[Scope]:
        return [Scopes.media(media_id) for media_id in moved]

    def _create(self, new: NewUser, caller: Caller) -> Profile:
        with self._administration.by(caller, Right.USER_MANAGE) as administrator:
            role = self._given(new.role, administrator)
            user = User(
                email=EmailAddress.folded(new.email),
                password=new.password_hash,
                role=role,
            )
            # Sign-up takes no turn: an earlier one with the same address is waited for.
            User.objects.bulk_create([user], ignore_conflicts=True)
            made = User.objects.select_related("role").filter(pk=user.pk).first()
            if made is None:
                raise EmailTaken
            return Profiles.of(made)

    def _change(self, user_id: UUID, change: UserChange, caller: Caller) -> Profile:
        with self._administration.by(caller, Right.USER_MANAGE) as administrator:
            user = self._locked(user_id, administrator)
            if change.role is not None:
                user.role = self._given(change.role, administrator)
            if change.is_active is not None:
                user.is_active = change.is_active
            user.save(update_fields=["role", "is_active"])
            if not user.is_active:
                live = Session.objects.filter(user=user, revoked_at=None)
                live.update(revoked_at=Now())
            return Profiles.of(user)

    def _delete(
        self, user_id: UUID, transfer_to: UUID | None, caller: Caller
    ) -> list[UUID]:
        """Returns the media that changed their owner."""
        with self._administration.by(caller, Right.USER_MANAGE) as administrator:
            user = self._locked(user_id, administrator)
            return self._removal.execute(user, transfer_to)

    @staticmethod
    def _locked(user_id: UUID, administrator: LockedCaller) -> User:
        """Raises `UserNotFound`, `RightNotHeld`."""
        locked = User.objects.select_for_update(of=("self",)).select_related("role")
        user = locked.filter(pk=user_id).first()
        if user is None:
            raise UserNotFound
        administrator.check_holds(user.role.rights)
        return user

    @staticmethod
    def _given(name: str, administrator: LockedCaller) -> Role:
        """Raises `Invalid`, `RightNotHeld`."""
        role = Role.objects.filter(name=name).first()
        if role is None:
            raise Invalid(
                problems={"role": "There is no such role: `GET /roles/` lists them."}
            )
        administrator.check_holds(role.rights)
        return role
