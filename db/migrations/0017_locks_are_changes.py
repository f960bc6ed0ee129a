"""A wait after wrong passwords is a change of how an account stands: told when it begins, and when it is over early."""

from tortoise import migrations
from tortoise.migrations import operations as ops

#: A wait that is over in its time is no change: who heard of its beginning knows its end. Nor is one that housekeeping
#: throws away, which was over long ago. Most log-ins begin none and end none, and run none of this.
LOCKS = [
    """
    CREATE FUNCTION account_locked() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        ends timestamptz := CASE WHEN TG_OP <> 'DELETE' THEN NEW.wait_until END;
        ended timestamptz := CASE WHEN TG_OP <> 'INSERT' THEN OLD.wait_until END;
        id_ bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.account_id ELSE NEW.account_id END;
    BEGIN
        IF ends IS NULL AND ended <= now() THEN
            RETURN NULL;
        END IF;
        INSERT INTO account_change (account_id, capacity, at, status_before, status, locked_until)
        SELECT id, capacity, now(), status, status, ends FROM account WHERE id = id_ AND status = 'ACTIVE';
        IF FOUND THEN
            PERFORM pg_notify('account_change', '');
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER account_lock_begun AFTER INSERT ON login_streak FOR EACH ROW
    WHEN (NEW.account_id IS NOT NULL AND NEW.wait_until IS NOT NULL)
    EXECUTE FUNCTION account_locked()
    """,
    """
    CREATE TRIGGER account_lock_changed AFTER UPDATE OF wait_until ON login_streak FOR EACH ROW
    WHEN (NEW.account_id IS NOT NULL AND NEW.wait_until IS DISTINCT FROM OLD.wait_until)
    EXECUTE FUNCTION account_locked()
    """,
    """
    CREATE TRIGGER account_lock_over AFTER DELETE ON login_streak FOR EACH ROW
    WHEN (OLD.account_id IS NOT NULL AND OLD.wait_until IS NOT NULL)
    EXECUTE FUNCTION account_locked()
    """,
]


class Migration(migrations.Migration):
    dependencies = [("db", "0016_client_origins")]

    initial = False

    operations = [
        ops.RunSQL(
            LOCKS,
            reverse_sql=[
                "DROP TRIGGER account_lock_over ON login_streak",
                "DROP TRIGGER account_lock_changed ON login_streak",
                "DROP TRIGGER account_lock_begun ON login_streak",
                "DROP FUNCTION account_locked()",
            ],
        ),
    ]
