"""The chapters of the collection, in the order in which they are sent."""

from tests.postman.journey.accounts import OWN_ACCOUNT
from tests.postman.journey.changes import CHANGES
from tests.postman.journey.consistency import CONSISTENCY
from tests.postman.journey.farewell import FAREWELL
from tests.postman.journey.jobs import JOBS
from tests.postman.journey.lists import LISTS
from tests.postman.journey.media import ONE_MEDIA
from tests.postman.journey.roles import ROLES
from tests.postman.journey.sessions import SESSIONS
from tests.postman.journey.system import SYSTEM
from tests.postman.journey.uploads import UPLOADS
from tests.postman.journey.users import USERS

JOURNEY = (
    *(SYSTEM, SESSIONS, UPLOADS, ONE_MEDIA, CHANGES, LISTS, JOBS, CONSISTENCY),
    *(ROLES, USERS, OWN_ACCOUNT, FAREWELL),
)
