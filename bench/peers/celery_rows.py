"""The updates of rows that our two actors make, as few statements as possible."""

CLAIM = """
    UPDATE job SET status = 'running', attempt = attempt + 1, fence = fence + 1,
           lease_until = statement_timestamp() + interval '15 seconds', progress = 0,
           started_at = coalesce(started_at, now())
     WHERE media_id = %s AND kind = %s AND status = 'queued' AND run_after <= now()
    RETURNING uuid, attempt, fence
"""
ATTEMPT = """
    INSERT INTO job_attempt (job_id, number, worker, outcome, code, message)
    VALUES (%s, %s, %s, '', '', '')
"""
PROCESSING = """
    UPDATE media SET status = CASE status WHEN 'pending' THEN 'processing' ELSE status
           END, revision = revision + 1, updated_at = now()
     WHERE uuid = %s AND status IN ('pending', 'processing', 'ready', 'failed')
    RETURNING video_id
"""
BLOB = """
    SELECT uuid, sha256, size_bytes, media_type, object_key, staged_name
      FROM blob WHERE uuid = %s
"""
LOCK = "SELECT 1 FROM media WHERE uuid = %s FOR NO KEY UPDATE"
SUCCEED = """
    UPDATE job SET status = 'succeeded', progress = 100, failure_code = '',
           lease_until = NULL, finished_at = now()
     WHERE uuid = %s AND fence = %s AND status = 'running'
"""
END = """
    UPDATE job_attempt SET ended_at = statement_timestamp(), outcome = 'succeeded'
     WHERE job_id = %s AND number = %s
"""
STORED = "UPDATE blob SET state = 'stored', stored_at = now() WHERE uuid = %s"
URL = """
    INSERT INTO url (media_id, kind, object_key) VALUES (%s, 'video', %s)
    ON CONFLICT (media_id, kind) DO UPDATE SET object_key = excluded.object_key
"""
PUBLISHED = """
    UPDATE media SET published_at = now(), revision = revision + 1, updated_at = now(),
           status = CASE WHEN described_at IS NULL THEN status ELSE 'ready' END
     WHERE uuid = %s
"""
DESCRIBED = """
    UPDATE media SET technical = %s, duration_seconds = %s, described_at = now(),
           revision = revision + 1, updated_at = now(),
           status = CASE WHEN published_at IS NULL THEN status ELSE 'ready' END
     WHERE uuid = %s
"""
OPEN = """
    SELECT EXISTS (SELECT 1 FROM job JOIN media ON media.uuid = job.media_id
                    WHERE media.video_id = %s AND job.status IN ('queued', 'running'))
           AS any
"""
