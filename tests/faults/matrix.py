"""The fault matrix: what can go wrong, and which test has it happen.

Numbers follow the list of faults the system was designed against; where it leaves a
number out, so is it here (`UNUSED`). What was added to it follows at its end.
"""

from dataclasses import dataclass

LAST = 55
# Numbers that name no fault.
UNUSED = frozenset({19, 26, 45})

API = "tests/faults/test_api.py::"
WORKER = "tests/faults/test_worker.py::"
REDIS = "tests/faults/test_redis.py::"
DATABASES = "tests/faults/test_databases.py::"
S3 = "tests/faults/test_s3.py::"
APART = "tests/faults/test_hosts_apart.py::"
CLOCKS = "tests/faults/test_clocks.py::"
UPGRADE = "tests/faults/test_upgrade.py::"
MIGRATIONS = "tests/unit/test_migrations.py::"
PROCESSES = "tests/e2e/test_faults_processes.py::"
STORES = "tests/e2e/test_faults_stores.py::TestStoreAway::"
CUT = "tests/e2e/http/test_cut_uploads.py::"
FULL = "tests/e2e/http/test_limited_uploads.py::TestFull::"
DEDUPLICATION = "tests/integration/test_redis_deduplication.py::"
CONSISTENCY = "tests/integration/test_postgresql_mongodb_consistency.py::"
STATUS = "tests/integration/test_async_status_updates.py::TestAsyncStatusUpdates::"
FRESHNESS = "tests/integration/test_freshness.py::"
CHILDREN = "tests/unit/test_child_failures.py::TestChildFailures::"
CRASHES = "tests/integration/test_crash_loops.py::"
S3_FAILURES = "tests/unit/test_s3_failures.py::"

IN_PROCESS = (
    "The worker is the process of the test itself, which the child's end leaves alive; no "
    "worker of a whole stack is looked at."
)
TUS = "Uploads that resume over HTTP (tus) are not offered yet."


@dataclass(frozen=True)
class Row:
    """A fault, and the tests that have it happen or the reason why none does.

    `weaker` says in what the tests ask less than the list of faults did.
    """

    number: int
    what: str
    methods: tuple[str, ...] = ()
    absent: str = ""
    weaker: str = ""


MATRIX = (
    Row(
        1,
        "The worker is killed while it puts an object.",
        (
            f"{WORKER}TestLargePut::test_f1_killed_in_the_middle_of_a_gibibyte",
            (
                f"{PROCESSES}TestWorker::"
                "test_killed_in_the_middle_of_a_job_and_all_messages_with_it"
            ),
            f"{WORKER}TestDyingBetweenTwoSteps::test_at",
            (
                f"{WORKER}TestDyingBetweenTwoParts::"
                "test_an_upload_that_was_never_noted_is_begun_anew"
            ),
            (
                f"{WORKER}TestDyingBetweenTwoParts::"
                "test_a_part_that_was_never_noted_is_sent_again_and_no_other"
            ),
            f"{APART}TestWorker::test_killed_in_the_middle_of_its_work",
            f"{APART}TestWorker::test_the_whole_host_is_killed_while_it_puts",
        ),
    ),
    Row(
        2,
        "A child of the worker dies.",
        (f"{WORKER}TestFleet::test_f2_any_child_may_die",),
    ),
    Row(
        3,
        "The master of the worker dies alone.",
        (f"{WORKER}TestFleet::test_f3_the_master_alone_dies",),
    ),
    Row(
        4,
        "SIGTERM in the middle of a large upload.",
        (
            f"{WORKER}TestLargePut::test_f4_told_to_stop_in_the_middle",
            f"{PROCESSES}TestWorker::test_asked_to_end_in_the_middle_of_a_job",
        ),
        weaker="512 MiB on an unhindered line, in place of 5 GB on a slow one.",
    ),
    Row(
        5,
        "A worker is frozen until another has done its work.",
        (f"{WORKER}TestFleet::test_f5_a_frozen_worker_comes_too_late",),
        weaker="The attempt is seen to be lost; its line in the log is not looked for.",
    ),
    Row(
        6,
        "The API dies between commit and message.",
        (
            f"{API}TestDyingApi::test_f6_between_commit_and_bell_the_media_stays",
            f"{APART}TestApi::test_killed_after_the_commit_the_media_stays",
        ),
        weaker="How soon the sweeper rings is not measured.",
    ),
    Row(
        7,
        "The API dies between staging and commit.",
        (
            f"{API}TestDyingApi::test_f7_before_the_commit_nothing_stays",
            f"{APART}TestApi::test_killed_before_the_commit_nothing_stays",
            f"{APART}TestApi::test_killed_while_it_receives_nothing_stays",
        ),
    ),
    Row(
        8,
        "The client leaves at half of its body.",
        (
            f"{PROCESSES}TestApi::test_a_client_that_leaves_at_half_leaves_nothing",
            f"{CUT}TestCutAnywhere::test_before_the_server_has_looked",
            f"{CUT}TestCutAnywhere::test_when_the_server_waits_for_the_next_byte",
        ),
        weaker="Nothing is left within 30 s, not 2; the log is not looked at.",
    ),
    Row(
        9,
        "The client leaves right after the last byte.",
        (
            f"{CUT}TestLastByte::test_each_is_a_media_with_its_jobs_or_nothing",
            f"{CUT}TestLastByte::test_while_the_transaction_runs",
        ),
        weaker="`make test` does it 30 times within 20 ms; `make faults` 200 times within "
        "500 ms, in either way of leaving.",
    ),
    Row(
        10,
        "Redis is away during uploads, reads and sign-ins.",
        (
            f"{STORES}test_stopped",
            f"{STORES}test_frozen",
            f"{REDIS}TestLostConnections::test_who_asks_next_is_answered_as_if_nothing_had_been",
        ),
    ),
    Row(
        11,
        "Redis forgets queued, running and delayed jobs.",
        (
            f"{REDIS}TestLostMessages::test_f11_with_jobs_queued_running_and_delayed",
            f"{PROCESSES}TestServers::test_messages_that_are_flushed_are_sent_again",
            f"{APART}TestStores::test_redis_forgets_everything",
        ),
        weaker="12 jobs are queued or running and 3 delayed, in place of 60.",
    ),
    Row(
        12,
        "Redis is frozen for 15 s while workers run.",
        (f"{REDIS}TestRedisThatIsNoHelp::test_f12_frozen_while_workers_run",),
    ),
    Row(
        13,
        "The reply to a fetch is lost, and with it the messages.",
        (
            (
                f"{REDIS}TestLostFetch::"
                "test_f13_messages_that_were_given_away_and_never_came"
            ),
        ),
    ),
    Row(
        14,
        "The reply to an enqueue is lost.",
        (f"{REDIS}TestLostReply::test_f14_a_message_that_was_sent_and_not_confirmed",),
    ),
    Row(
        15,
        "Redis refuses connections when an attempt is to be repeated.",
        (f"{REDIS}TestLostMessages::test_f15_while_a_failed_attempt_is_queued_again",),
    ),
    Row(
        16,
        "Redis has no memory left.",
        (f"{REDIS}TestRedisThatIsNoHelp::test_f16_no_memory_left",),
        weaker="We start with a policy that evicts, too, where the list wants a refusal: "
        "a message that was evicted is sent again. That errors are logged is not looked at.",
    ),
    Row(
        17,
        "PostgreSQL restarts under uploads and jobs.",
        (f"{DATABASES}TestPostgres::test_f17_restarted_under_uploads_and_jobs",),
    ),
    Row(
        18,
        "No connection to PostgreSQL can do anything for a minute.",
        (f"{DATABASES}TestPostgres::test_f18_no_connection_to_be_had",),
        weaker="The connections are not taken away: all of them wait for a lock, with more "
        "clients than there are connections. Nobody waits longer than 6 s, where the "
        "list says 5 s.",
    ),
    Row(
        20,
        "MongoDB is away during extraction.",
        (
            f"{DATABASES}TestMongo::test_f20_away_during_extraction",
            f"{DATABASES}TestMongo::test_a_silent_one_is_waited_for",
        ),
        weaker="It is away until the first attempt has failed, not for 30 s.",
    ),
    Row(
        21,
        "A document that was acknowledged is gone.",
        (f"{DATABASES}TestMongo::test_f21_a_document_that_is_gone_is_extracted_again",),
    ),
    Row(
        22,
        "The document is written and PostgreSQL does not hear of it.",
        (
            f"{WORKER}TestDyingBetweenTwoSteps::test_at",
            (
                f"{CONSISTENCY}TestOneDocument::"
                "test_an_attempt_after_one_that_was_cut_off_takes_its_document"
            ),
        ),
    ),
    Row(
        23,
        "One message is delivered ten times in parallel.",
        (f"{CONSISTENCY}TestOneDocument::test_ten_messages_at_once_extract_once",),
    ),
    Row(
        24,
        "Both deciding jobs finish at the same instant.",
        (
            f"{STATUS}test_of_two_last_jobs_at_once_one_lets_the_staged_file_go",
            f"{STATUS}test_ready_when_published_and_described_whatever_comes_first",
        ),
        weaker="The ends of the jobs meet in the ledger, without workers around them. "
        "`make test` does 30 and 10 rounds, `make faults` 500 and 100.",
    ),
    Row(
        25,
        "The object store answers SlowDown.",
        (
            f"{S3}TestWrongAnswers::test_f25_slow_down_is_tried_again",
            f"{S3}TestLongTrouble::test_f25_a_third_of_all_calls_fail",
        ),
    ),
    Row(
        27,
        "CompleteMultipartUpload answers 200 with an error document.",
        (
            f"{S3}TestWrongAnswers::test_f27_an_error_in_a_200_is_no_success",
            (
                f"{S3_FAILURES}TestAway::"
                "test_a_completion_that_says_200_and_means_no_is_a_failure"
            ),
        ),
    ),
    Row(
        28,
        "The object store ignores or mistakes checksums.",
        (
            f"{S3_FAILURES}TestDamaged::test_a_store_that_confirms_nothing_is_read_back",
            (
                f"{S3_FAILURES}TestDamaged::"
                "test_other_bytes_in_the_store_are_noticed_and_removed"
            ),
            (
                f"{S3_FAILURES}TestEveryCall::"
                "test_has_an_end_and_sends_no_checksum_nobody_asked_for"
            ),
        ),
    ),
    Row(
        29,
        "The credentials for the object store are revoked.",
        (f"{S3}TestLongTrouble::test_f29_credentials_that_were_revoked",),
    ),
    Row(
        30,
        "The object store is a black hole with many jobs before it.",
        (
            (
                f"{S3}TestLongTrouble::"
                "test_f30_a_black_hole_swallows_neither_threads_nor_other_queues"
            ),
            f"{S3_FAILURES}TestCancellation::test_black_holes_do_not_use_threads_up",
        ),
    ),
    Row(
        31,
        "The disk is full while a body comes: there is no other spool than staging.",
        (f"{FULL}test_the_disk_is_full_in_the_middle",),
    ),
    Row(
        32,
        "Staging is full.",
        (
            f"{FULL}test_below_the_floor_no_body_is_asked_for",
            f"{FULL}test_the_disk_is_full_in_the_middle",
        ),
    ),
    Row(
        33,
        "A hundred identical uploads at once, Redis flushed meanwhile.",
        (f"{DEDUPLICATION}TestRedisFlushedMidway::test_a_hundred_at_once",),
        weaker="The use case is asked in one process, and no worker stores the object.",
    ),
    Row(
        34,
        "Deletion races with uploads of the same bytes.",
        (
            (
                "tests/integration/test_interleavings.py::TestInterleavings::"
                "test_what_is_ready_is_whole_and_what_is_deleted_leaves_nothing"
            ),
            "tests/faults/test_deletion.py::TestDeletion::test_at_random_moments",
        ),
        weaker="`make test` does 60 of the interleavings, `make faults` 500, and 500 more "
        "beside the reconciler.",
    ),
    Row(
        35,
        "The holder of a reservation for bytes is killed.",
        (f"{DEDUPLICATION}TestHolderKilled::test_nobody_waits_longer_than_for_a_twin",),
    ),
    Row(
        36,
        "A stored object is deleted by hand.",
        (
            f"{S3}TestLostObject::test_the_same_file_again_brings_it_back",
            (
                f"{S3}TestLostObject::"
                "test_reconcile_finds_it_and_the_media_says_what_to_do"
            ),
        ),
    ),
    Row(
        37,
        "The parser crashes on a file.",
        (
            f"{CHILDREN}test_each_failure_has_its_code_and_says_what_was_seen",
            f"{CHILDREN}test_a_child_that_is_killed_from_outside_is_a_crash",
            f"{CRASHES}TestParser::test_that_a_file_breaks_is_tried_once_more",
        ),
        weaker=IN_PROCESS,
    ),
    Row(
        38,
        "The parser never ends.",
        (
            f"{CHILDREN}test_each_failure_has_its_code_and_says_what_was_seen",
            f"{CRASHES}TestParser::test_that_a_file_breaks_is_tried_once_more",
        ),
        weaker=IN_PROCESS
        + " Nobody measures that the child ends within a second of its limit.",
    ),
    Row(
        39,
        "The parser takes more and more memory.",
        (
            f"{CHILDREN}test_each_failure_has_its_code_and_says_what_was_seen",
            f"{CRASHES}TestParser::test_that_a_file_breaks_is_tried_once_more",
        ),
        weaker=IN_PROCESS,
    ),
    Row(
        40,
        "A file refers to addresses and to other files.",
        (
            (
                "tests/contract/test_references.py::TestReferences::"
                "test_the_network_is_not_reached"
            ),
            (
                "tests/contract/test_references.py::TestReferences::"
                "test_whether_a_local_file_is_there_makes_no_difference"
            ),
        ),
        weaker="What a file that is there would change is looked at, and no openings are "
        "counted.",
    ),
    Row(
        41,
        "Readers, a writer and a cache that is flushed, in every order.",
        (
            (
                f"{FRESHNESS}TestFreshness::"
                "test_no_reader_goes_back_behind_an_answered_change"
            ),
        ),
    ),
    Row(
        42,
        "The generations in the cache are lost.",
        (
            (
                f"{FRESHNESS}TestFreshness::"
                "test_no_reader_goes_back_behind_an_answered_change"
            ),
            (
                f"{FRESHNESS}TestRedisThatComesBack::"
                "test_from_a_snapshot_it_shows_nothing_from_before_a_change"
            ),
        ),
    ),
    Row(
        43,
        "Many ask at once for what is not cached any more.",
        (
            (
                "tests/integration/test_answer_cache.py::TestAnswer::"
                "test_those_who_ask_at_once_wait_for_one"
            ),
            (
                "tests/integration/test_answer_cache.py::TestAnswer::"
                "test_of_five_hundred_at_two_processes_one_each_asks_the_source"
            ),
        ),
        weaker="They ask two caches on one Redis, not two APIs over HTTP, and nobody "
        "measures how long they wait. `make test` has five of them ask.",
    ),
    Row(
        44,
        "A user is deactivated while he holds tokens.",
        (
            (
                "tests/integration/test_users_http.py::TestChangeUser::"
                "test_deactivation_acts_on_the_next_request_and_ends_the_sessions"
            ),
            (
                "tests/integration/test_jwt.py::TestJwtRefresh::"
                "test_an_inactive_account_does_not_refresh"
            ),
        ),
    ),
    Row(
        46,
        "Twenty refresh one token at once.",
        (
            (
                "tests/integration/test_jwt.py::TestJwtRefresh::"
                "test_of_twenty_at_once_one_gets_tokens"
            ),
        ),
    ),
    Row(
        47,
        "The API is restarted under load.",
        (
            (
                f"{API}TestReplacedApi::"
                "test_f47_restarts_under_load_lose_nothing_that_was_answered"
            ),
        ),
    ),
    Row(
        48,
        "The clock of a worker is wrong.",
        (f"{CLOCKS}TestWrongClock::test_f48_no_lease_is_taken_early_and_work_is_done",),
        weaker="It is wrong in what Python code is told by `time` and `datetime`; the "
        "kernel's is right. That of the API is not tried, nor what it thinks of tokens.",
    ),
    Row(49, "The API is killed in the middle of a tus PATCH.", absent=TUS),
    Row(50, "Two tus PATCHes come at the same offset.", absent=TUS),
    Row(
        51,
        "A file kills every worker that has it.",
        (
            (
                f"{WORKER}TestFleet::"
                "test_f51_a_file_that_kills_every_worker_ends_failed_and_the_rest_goes_on"
            ),
            (
                "tests/integration/test_media_ledger.py::TestFence::"
                "test_a_file_that_kills_every_worker_ends_failed"
            ),
        ),
    ),
    Row(
        52,
        "Messages wait for an actor of another version.",
        (
            (
                f"{REDIS}TestLostMessages::"
                "test_f52_messages_for_an_actor_of_another_version"
            ),
        ),
    ),
    Row(
        53,
        "A migration adds a column that running code does not know.",
        (
            (
                f"{UPGRADE}TestUpgrade::"
                "test_f53_the_release_before_serves_while_the_new_one_migrates"
            ),
            f"{MIGRATIONS}TestMigrations::test_each_adds_or_says_why_it_may_do_more",
        ),
    ),
    Row(
        54,
        "All lines are slow and break now and then.",
        (
            f"{S3}TestBadLines::test_f54_slow_lines_that_break",
            f"{S3}TestBadLines::test_f54_for_ten_minutes",
        ),
        weaker="Lines are 30 ms slow and 2 pieces in 1,000 break, in place of 300 ms and "
        "20: an answer needs several. Up to half of all uploads may be refused.",
    ),
    Row(
        55,
        "Of hosts that share nothing but the stores one is lost, or a store is.",
        (
            f"{APART}TestTwoApis::test_what_a_lost_host_has_answered_is_published",
            (
                f"{APART}TestTwoApis::"
                "test_what_a_lost_host_was_receiving_goes_and_what_another_receives_stays"
            ),
            f"{APART}TestTwoApis::test_the_same_bytes_at_both_at_once_are_one_object",
            f"{APART}TestStores::test_the_object_store_is_away",
            f"{APART}TestStores::test_it_goes_away_while_an_upload_is_received",
            f"{APART}TestStores::test_postgresql_is_killed_while_an_upload_is_received",
        ),
    ),
)
