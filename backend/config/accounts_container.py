"""What the API process builds for accounts, sessions and roles."""

from functools import cached_property

from backend.adapters.local_attempt_limiter import LocalAttemptLimiter
from backend.adapters.redis_attempt_limiter import (
    RedisAttemptLimiter,
    RedisFamiliarClients,
)
from backend.api.auth_controller import AuthController
from backend.api.role_controller import RoleController
from backend.api.user_controller import UserController
from backend.config.container import Container
from backend.orm.administration import Administration
from backend.orm.live_sessions import PostgresLiveSessions
from backend.orm.role_administration import DjangoRoleLedger
from backend.orm.role_repository import RoleRepository
from backend.orm.session_ledger import DjangoSessionLedger
from backend.orm.user_administration import DjangoUserLedger
from backend.orm.user_removal import UserRemoval
from backend.orm.user_repository import UserRepository
from backend.use_cases.change_password import ChangePassword
from backend.use_cases.check_password import CheckPassword
from backend.use_cases.create_user import CreateUser
from backend.use_cases.known_callers import KnownCallers
from backend.use_cases.ports import Callers, SessionLedger
from backend.use_cases.refresh_session import RefreshSession
from backend.use_cases.sign_in import SignIn
from backend.use_cases.sign_in_limit import SignInLimit
from backend.use_cases.sign_out import SignOut
from backend.use_cases.sign_up import SignUp


class AccountsContainer(Container):
    """Builds the authentication of callers, and the use cases of accounts."""

    @cached_property
    def auth_controller(self) -> AuthController:
        ledger, sessions = self.account_ledger, self.session_ledger
        hasher, limit = self.password_hasher, self.sign_in_limit
        is_open = self.environment.signup == "open"
        return AuthController(
            SignUp(ledger, hasher, limit, is_open=is_open),
            SignIn(self.check_password, ledger, self.token_issuer),
            RefreshSession(ledger, self.token_issuer),
            SignOut(ledger, self.token_issuer),
            ChangePassword(ledger, sessions, hasher, limit),
            sessions,
            ledger,
        )

    @cached_property
    def user_controller(self) -> UserController:
        ledger = DjangoUserLedger(self.administration, UserRemoval(), self.freshness)
        return UserController(
            CreateUser(ledger, self.password_hasher),
            ledger,
            UserRepository(self.database_threads),
        )

    @cached_property
    def role_controller(self) -> RoleController:
        return RoleController(
            DjangoRoleLedger(self.administration, self.freshness),
            RoleRepository(self.database_threads),
        )

    @cached_property
    def check_password(self) -> CheckPassword:
        return CheckPassword(
            self.account_ledger, self.password_hasher, self.sign_in_limit
        )

    @cached_property
    def sign_in_limit(self) -> SignInLimit:
        return SignInLimit(
            RedisAttemptLimiter(self.redis_hints, LocalAttemptLimiter()),
            RedisFamiliarClients(self.redis_hints),
            self.environment.secret_key.get_secret_value(),
        )

    @cached_property
    def callers(self) -> Callers:
        return KnownCallers(
            PostgresLiveSessions(self.database_lines), self.answer_cache
        )

    @cached_property
    def session_ledger(self) -> SessionLedger:
        return DjangoSessionLedger(self.database_threads, self.freshness)

    @cached_property
    def administration(self) -> Administration:
        return Administration(self.database_threads)
