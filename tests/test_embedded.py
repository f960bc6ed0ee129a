"""The database that comes with the app: kept, shared, stopped by its last user, and touching nothing else."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from app import embedded_root
from app.embedded import EmbeddedError, EmbeddedPostgres, start
from app.embedded_home import home_of
from app.embedded_programs import Account, wheel_programs
from app.embedded_server import is_running, stop_server

REPOSITORY = Path(__file__).parents[1]
ROOT = os.geteuid() == 0
NOBODY = 65534
LONG = "a-name-too-long-for-a-socket" * 4

as_root = pytest.mark.skipif(not ROOT, reason="only root gives PostgreSQL away to a system user")


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    """A project's var folder whose database, also the part outside, is deleted at the end."""
    folder = tmp_path / "district" / "var"
    yield folder
    clear_away(folder)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A var folder with a database to keep; every test that uses it leaves it stopped."""
    folder = tmp_path_factory.mktemp("kept") / "var"
    yield folder
    clear_away(folder)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A throwaway cluster for the tests that only look."""
    with start(tmp_path_factory.mktemp("shared") / "var", throwaway=True) as postgres:
        yield postgres


def clear_away(var: Path) -> None:
    with contextlib.suppress(NotADirectoryError):
        home = home_of(var)
        if home.folder.exists():
            stop_server(home, mode="immediate")
            home.delete()


async def ask(url: str, *statements: str) -> object:
    """The answer to the last of the statements."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


def server_process(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split("\n")[0])


def alive(process: int) -> bool:
    """Whether it runs; in a container without an init an ended process may stay listed as a zombie."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()[:1] not in ("", "Z")


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextlib.contextmanager
def another_program(var: Path, *, throwaway: bool = False) -> Iterator[subprocess.Popen[str]]:
    """Another program that uses the database of `var` until it reads a line."""
    code = (
        "import sys; from pathlib import Path; from app.embedded import start\n"
        f"with start(Path(sys.argv[1]), throwaway={throwaway}):\n"
        "    print('ready', flush=True); sys.stdin.readline()"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code, str(var)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        try:
            yield program
        finally:
            program.kill()


def wait_ready(program: subprocess.Popen[str]) -> None:
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"


def sleeper(account: Account | None) -> subprocess.Popen[bytes]:
    """A process of the user who runs the server: PostgreSQL itself takes one with the noted number for its own."""
    return subprocess.Popen(["sleep", "60"], cwd="/", user=account.uid if account else None)


def let_go(program: subprocess.Popen[str]) -> None:
    program.communicate("\n", timeout=30)
    assert program.returncode == 0


def as_nobody(do: Callable[[], str]) -> str:
    """What `do` returns when it is run by an unprivileged user, in a forked child."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            said = do()
        except BaseException:
            said = traceback.format_exc()
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


async def test_what_was_written_is_there_after_the_next_start_which_is_quick(kept: Path) -> None:
    with start(kept) as postgres:
        first = server_process(postgres.cluster.data)
        await ask(postgres.cluster.url, "CREATE TABLE guardian AS SELECT 'María' AS name", "SELECT 1")
    assert not alive(first)
    began = time.monotonic()
    with start(kept) as postgres:
        assert time.monotonic() - began < 5
        assert await ask(postgres.cluster.url, "SELECT upper(name) FROM guardian") == "MARÍA"
        assert await ask(postgres.cluster.url, "SHOW fsync") == "on"
        assert await ask(postgres.cluster.url, "SHOW data_checksums") == "on"


async def test_the_last_program_to_leave_stops_the_server(kept: Path) -> None:
    postgres = start(kept)
    process = server_process(postgres.cluster.data)
    with another_program(kept) as other:
        wait_ready(other)
        postgres.stop()
        postgres.stop()
        assert await ask(postgres.cluster.url, "SELECT 1") == 1
        let_go(other)
    assert not alive(process)


async def test_programs_that_start_at_once_share_one_server(var: Path) -> None:
    with another_program(var) as one, another_program(var) as two, another_program(var) as three:
        for program in (one, two, three):
            wait_ready(program)
        process = server_process(home_of(var).data)
        let_go(one)
        let_go(two)
        assert alive(process)
        let_go(three)
    assert not alive(process)


async def test_the_server_of_a_killed_program_is_found_and_then_stopped(kept: Path) -> None:
    with another_program(kept) as other:
        wait_ready(other)
        other.kill()
        other.wait()
    process = server_process(home_of(kept).data)
    assert alive(process)
    with start(kept) as postgres:
        assert server_process(postgres.cluster.data) == process
        assert await ask(postgres.cluster.url, "SELECT 1") == 1
    assert not alive(process)


async def test_a_killed_server_is_started_again_with_all_that_was_committed(kept: Path) -> None:
    postgres = start(kept)
    await ask(postgres.cluster.url, "CREATE TABLE household AS SELECT 7 AS number", "SELECT 1")
    os.kill(server_process(postgres.cluster.data), signal.SIGKILL)
    with start(kept) as again:
        assert await ask(again.cluster.url, "SELECT number FROM household") == 7
    postgres.stop()
    assert not is_running(home_of(kept))


@pytest.mark.parametrize("number_is", ["nobody's", "another process's"])
async def test_a_pid_file_from_before_a_crash_does_not_prevent_a_start(kept: Path, number_is: str) -> None:
    with start(kept) as postgres:
        pid_file = postgres.cluster.data / "postmaster.pid"
        left = pid_file.read_text()
    account = home_of(kept).account
    other = sleeper(account)
    try:
        if number_is == "nobody's":
            other.kill()
            other.wait()
        pid_file.write_text(f"{other.pid}\n" + left.partition("\n")[2])
        lock = postgres.cluster.sockets / ".s.PGSQL.5432.lock"
        lock.write_text(pid_file.read_text())
        if account:
            os.chown(pid_file, account.uid, account.gid)
            os.chown(lock, account.uid, account.gid)
        with start(kept) as again:
            assert await ask(again.cluster.url, "SELECT 1") == 1
    finally:
        other.kill()
        other.wait()


async def test_a_start_that_was_cut_short_while_making_the_data_is_begun_anew(var: Path) -> None:
    home = home_of(var)
    with another_program(var) as other:
        wait_until(lambda: any(home.folder.glob("data.new-*/PG_VERSION")))
        other.send_signal(signal.SIGINT)
        assert other.wait() != 0
    assert not home.data.exists()
    with start(var) as postgres:
        assert await ask(postgres.cluster.url, "SELECT current_database()") == "portal"
    assert not list(home.folder.glob("data.new-*"))


async def test_throwaway_data_is_gone_afterwards(var: Path) -> None:
    with start(var, throwaway=True) as postgres:
        assert await ask(postgres.cluster.url, "SHOW fsync") == "off"
        process = server_process(postgres.cluster.data)
        home = home_of(var)
    assert not alive(process)
    assert not home.folder.exists()
    assert not (var / "postgres").exists()


def test_what_killed_tests_left_behind_is_deleted(var: Path, tmp_path: Path) -> None:
    left = home_of(var)
    processes = []
    for _ in range(2):
        with another_program(var, throwaway=True) as other:
            wait_ready(other)
            processes.append(server_process(left.data))
            other.kill()
            other.wait()
    assert [alive(process) for process in processes] == [False, True]
    # Root's clusters lie side by side, so that tests in another folder find it too.
    next_one = tmp_path / "elsewhere" / "var" if ROOT else var
    with start(next_one, throwaway=True) as postgres:
        assert not alive(processes[1])
        assert postgres.cluster.data.parent == left.folder or not left.folder.exists()
        assert next_one == var or not (var / "postgres").exists()


async def test_tests_cannot_take_over_data_to_keep_nor_the_other_way_round(kept: Path, var: Path) -> None:
    start(kept).stop()
    with pytest.raises(EmbeddedError, match="holds data to keep"):
        start(kept, throwaway=True)
    with start(var, throwaway=True), pytest.raises(EmbeddedError, match="a database of tests"):
        start(var)


def test_a_folder_that_cannot_be_used_is_said_in_one_sentence(tmp_path: Path) -> None:
    in_the_way = tmp_path / "district"
    in_the_way.write_text("a file")
    with pytest.raises(EmbeddedError, match=r"^The embedded PostgreSQL cannot use .*district.*: .*\.$"):
        start(in_the_way / "var")
    assert not ROOT or not embedded_root.home_for(in_the_way / "var").exists()


def test_the_servers_own_reason_is_told_when_it_does_not_start(kept: Path) -> None:
    with start(kept) as postgres:
        settings = postgres.cluster.data / "postgresql.auto.conf"
    before = settings.read_text()
    settings.write_text(before + "shared_preload_libraries = 'no_such_library'\n")
    with pytest.raises(EmbeddedError, match=r"^PostgreSQL did not start: could not access file .no_such_library"):
        start(kept)
    assert not is_running(home_of(kept))
    settings.write_text(before)


async def test_long_and_odd_folder_names_work(tmp_path: Path) -> None:
    var = tmp_path / LONG / 'isn\'t it, $(echo "no") `x`\\' / "var"
    try:
        with start(var, throwaway=True) as postgres:
            assert await ask(postgres.cluster.url, "SELECT 1") == 1
            assert len(str(postgres.cluster.sockets)) < 100
    finally:
        clear_away(var)
    assert not postgres.cluster.sockets.exists()


@as_root
def test_a_copied_folder_does_not_silently_begin_an_empty_database(kept: Path, tmp_path: Path) -> None:
    with start(kept) as postgres:
        home = postgres.cluster.data.parent
    copied = tmp_path / "copy" / "var"
    shutil.copytree(kept, copied)
    with pytest.raises(EmbeddedError, match=f"was moved or copied here and its database is still in {home}"):
        start(copied)
    assert not embedded_root.home_for(copied).exists()


async def test_a_database_can_be_copied_and_deleted(shared: EmbeddedPostgres) -> None:
    cluster = shared.cluster
    cluster.create_database("template of tests")
    await ask(cluster.url_for("template of tests"), "CREATE TABLE enrolment (grade int)", "SELECT 1")
    cluster.create_database("worker_1", template="template of tests")
    assert await ask(cluster.url_for("worker_1"), "SELECT count(*) FROM enrolment") == 0
    with pytest.raises(EmbeddedError, match='database "worker_1" already exists'):
        cluster.create_database("worker_1")
    open_still = await asyncpg.connect(cluster.url_for("worker_1"))
    cluster.drop_database("worker_1")
    cluster.drop_database("worker_1")
    open_still.terminate()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(cluster.url_for("worker_1"))


async def test_personal_data_in_failing_statements_does_not_reach_the_log(shared: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(shared.cluster.url)
    await connection.execute("CREATE TABLE addresses (email text PRIMARY KEY)")
    await connection.execute("INSERT INTO addresses VALUES ($1)", "maria@example.org")
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("INSERT INTO addresses VALUES ($1)", "maria@example.org")
    with pytest.raises(asyncpg.InvalidTextRepresentationError):
        await connection.execute("SELECT 'maria'::int")
    await connection.close()
    log = (shared.cluster.data / "server.log").read_text()
    assert "ready to accept connections" in log
    assert "maria" not in log


def test_ctrl_c_in_the_terminal_reaches_the_app_and_not_the_database(shared: EmbeddedPostgres) -> None:
    process = server_process(shared.cluster.data)
    assert os.getsid(process) != os.getsid(0)
    assert os.getpgid(process) != os.getpgid(0)


async def test_it_listens_on_no_network_address(shared: EmbeddedPostgres) -> None:
    assert await ask(shared.cluster.url, "SHOW listen_addresses") == ""
    assert stat.S_IMODE(shared.cluster.sockets.stat().st_mode) == 0o700


@as_root
def test_another_user_of_the_machine_cannot_come_in(shared: EmbeddedPostgres) -> None:
    def connect() -> str:
        try:
            asyncio.new_event_loop().run_until_complete(ask(shared.cluster.url, "SELECT 1"))
        except PermissionError:
            return "refused"
        return "came in"

    assert as_nobody(connect) == "refused"


@pytest.mark.skipif(not ROOT, reason="only root keeps the data elsewhere")
def test_the_data_of_a_deleted_folder_is_laid_aside_and_not_taken_for_that_of_a_new_one(tmp_path: Path) -> None:
    var = tmp_path / "var"
    for attempt in ("first", "second"):
        with start(var) as postgres:
            postgres.cluster.create_database(attempt)  # would be refused if the first one's data were still there
            postgres.cluster.create_database("of_each")
            home = postgres.cluster.data.parent
        assert (home / "data-of-deleted-folder").exists() == (attempt == "second")
        shutil.rmtree(var)
    shutil.rmtree(home)


@as_root
def test_root_starts_a_server_that_is_not_root_and_changes_no_permissions(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    var = private / "district" / "var"
    var.mkdir(parents=True)
    wheel = wheel_programs().folder
    watched = {*var.parents, var, *wheel.parents, wheel, *wheel.iterdir(), Path("/root"), Path("/var/lib")}
    watched |= {embedded_root.OURS.parent, *embedded_root.OURS.parents}

    def permissions() -> dict[Path, tuple[int, int, int]]:
        return {path: ((found := path.stat()).st_mode, found.st_uid, found.st_gid) for path in watched}

    before = permissions()
    with start(var, throwaway=True) as postgres:
        process = Path(f"/proc/{server_process(postgres.cluster.data)}")
        assert process.stat().st_uid == pwd.getpwnam(embedded_root.ACCOUNT).pw_uid != 0
        assert postgres.cluster.data.is_relative_to(embedded_root.OURS)
        assert (var / "postgres" / "WHERE").read_text().startswith(f"{postgres.cluster.data.parent}\n")
        assert permissions() == before
    assert permissions() == before


@as_root
def test_an_unprivileged_user_keeps_the_data_in_the_folder_itself() -> None:
    wheel = wheel_programs().folder
    if not all(folder.stat().st_mode & 0o001 for folder in (wheel, *wheel.parents)):
        pytest.skip("the installed PostgreSQL lies in a folder that only root may enter")
    top = Path(tempfile.mkdtemp())
    os.chown(top, NOBODY, NOBODY)

    async def check(var: Path) -> str:
        with start(var) as postgres:
            assert postgres.cluster.data == var / "postgres" / "data"
            assert await ask(postgres.cluster.url, "SELECT current_user") == "postgres"
            assert stat.S_IMODE((var / "postgres").stat().st_mode) == 0o700
            sockets, process = postgres.cluster.sockets, server_process(postgres.cluster.data)
            assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
            assert (sockets == var / "postgres" / "sockets") is (var.name != LONG)
        assert not alive(process)
        assert not sockets.exists() or sockets.is_relative_to(var)
        return "done"

    def before_and_after_a_move() -> str:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(check(top / "var"))
        (top / "var").rename(top / LONG)
        loop.run_until_complete(check(top / LONG))
        (top / LONG).rename(top / "var")
        return "done"

    try:
        assert as_nobody(before_and_after_a_move) == "done"
        with pytest.raises(EmbeddedError, match="made by another user than root"):
            start(top / "var")
    finally:
        shutil.rmtree(top)
