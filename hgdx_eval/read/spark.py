"""Apache Spark as a way to have many files read at once: it starts tasks, carries what they kept and starts lost ones again.

What is read and counted is plain functions of this kit, run in its Python workers; nothing is computed in Spark's own SQL.
"""

import logging
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..base.aside import write_text
from ..base.errors import InputError, RunFailed
from ..base.private_folder import private_folder
from ..base.progress import say
from ..base.safe_text import plain_line
from .sources import code_hash

ANSWER = 10  # seconds for a master to take a connection
EXECUTORS = 60  # seconds for it to bring a first executor
ADDRESS = re.compile(r"spark://(.+)")
NO_LOG = "rootLogger.level = off\nappender.none.type = Null\nappender.none.name = none\nrootLogger.appenderRef.none.ref = none\n"
MASTER = re.compile(r"local(\[.*\])?|local-cluster\[.*\]|spark://[^/\s:,]+:\d+(,[^/\s:,]+:\d+)*|yarn|k8s://\S+")


def check_installed() -> None:
    """Raises InputError where pyspark or Java is absent, and says what to install."""
    try:
        import pyarrow  # noqa: F401
        import pyspark  # noqa: F401
    except ImportError:
        raise InputError("engine spark: pyspark is not installed; allowed: pip install 'hgdx_eval[spark]', or engine duckdb") from None
    home = os.environ.get("JAVA_HOME")
    if shutil.which(Path(home, "bin", "java") if home else "java") is None:
        raise InputError("engine spark: no Java; install Java 17 or newer (Debian, Ubuntu: apt install openjdk-17-jre-headless) or "
                         "set JAVA_HOME; or engine duckdb needs none")  # fmt: skip


def check_master(master: str | None) -> None:
    """Raises InputError for an address that is none, RunFailed where nobody answers there."""
    if master is None:
        return
    if not MASTER.fullmatch(master):
        raise InputError(
            f"--master {plain_line(master)}: no address of a Spark master; allowed: local[N], spark://HOST:PORT, yarn, k8s://URL"
        )
    if found := ADDRESS.fullmatch(master):
        for address in found[1].split(","):
            host, _, port = address.rpartition(":")
            with suppress(OSError, OverflowError), socket.create_connection((host, int(port)), timeout=ANSWER):
                return
        raise RunFailed(f"--master {master}: nobody answers there within {ANSWER} seconds: is it running, and reachable from here?")


@contextmanager
def session(master: str | None) -> Iterator[Any]:
    """A Spark session that is stopped at the end and writes no logs. `master`: None is the one of Spark's own settings, else all cores of
    this machine.

    Raises InputError where pyspark or Java is absent, RunFailed where the master does not answer or brings no executor.
    """
    check_installed()
    check_master(master)
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException, PySparkRuntimeError

    with private_folder() as folder:
        spark = None
        try:
            spark = settings(master, folder).getOrCreate()
            spark.sparkContext.setLogLevel("OFF")
            wait_for_executor(spark)
            yield spark
        except (Py4JError, PySparkException, PySparkRuntimeError) as error:
            raise RunFailed(f"Spark did not finish: {reason_of(error)}") from None
        finally:
            if spark is not None:
                with suppress(Exception):  # of a context that died
                    spark.stop()


def settings(master: str | None, folder: Path) -> Any:
    from pyspark.sql import SparkSession

    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    log = folder / "log4j2.properties"
    write_text(log, NO_LOG)
    told = {
        "spark.app.name": "hgdx_eval", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "OFF",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={log.as_uri()}",
        "spark.executorEnv.PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "spark.sql.execution.arrow.maxRecordsPerBatch": "4",  # a record is up to 16 MB
        "spark.sql.adaptive.enabled": "false",  # it would put several shares into one task
        "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled": "true", "spark.python.worker.faulthandler.enabled": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"), "spark.io.encryption.enabled": "true",
    }  # fmt: skip
    if master is None or master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        told["spark.local.dir"] = str(folder)
        told["spark.driver.bindAddress"] = told["spark.driver.host"] = "127.0.0.1"
    builder = SparkSession.builder if master is None else SparkSession.builder.master(master)
    for name, value in told.items():
        builder = builder.config(name, value)
    return builder


def wait_for_executor(spark: Any) -> None:
    """Raises RunFailed where a cluster brings none."""
    from time import monotonic, sleep

    context = spark.sparkContext
    if re.fullmatch(r"local(\[.*\])?", context.master):
        return
    end = monotonic() + EXECUTORS
    while context._jsc.sc().getExecutorMemoryStatus().size() < 2:  # the driver itself is one
        if monotonic() > end:
            raise RunFailed(f"--master {context.master}: it brought no executor within {EXECUTORS} seconds: are its workers up, and free?")
        sleep(0.2)


def reason_of(error: Exception) -> str:
    """What of an error may be told: the name of the last exception of a task, never its text, which might be a row."""
    kinds = re.findall(r"\b(?:TaskFault: )([A-Za-z]+)", str(error)) or re.findall(r"\b([A-Z][A-Za-z]+(?:Error|Exception))\b", str(error))
    if OtherVersionError.__name__ in kinds:
        return "a worker has another version of hgdx_eval or duckdb: install the same on all of them"
    return f"{kinds[-1] if kinds else type(error).__name__} in a task, after Spark tried it again"


class TaskFault(Exception):
    """What went wrong in a task: the name of its exception alone, for Spark writes the text of an exception into logs."""


@contextmanager
def silent() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise TaskFault(type(error).__name__) from None


class OtherVersionError(Exception):
    """A worker has another kit or database than the driver."""


def check_same(code: str) -> None:
    """Raises OtherVersionError where hashes and readings of a worker would differ from the driver's."""
    if version() != code:
        raise OtherVersionError


def version() -> str:
    import duckdb

    return f"{code_hash()} {duckdb.__version__}"


def read_files(spark: Any, count: int, read: Callable[[int], Iterator[tuple[int, int, int, bytes]]]) -> Any:
    """One task a file, in a DataFrame (share, file, at, content) that lies on the executors' disks. `read`: number of the file -> rows."""
    code = version()

    def task(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        with silent():
            check_same(code)
            for batch in batches:
                for number in batch.column(0).to_pylist():
                    for row in read(number):
                        yield pa.RecordBatch.from_pylist([dict(zip(("share", "file", "at", "content"), row, strict=True))], schema=kinds)

    import pyarrow as pa
    from pyspark import StorageLevel

    kinds = pa.schema([("share", pa.int32()), ("file", pa.int32()), ("at", pa.int64()), ("content", pa.binary())])
    say(f"Spark: {count} files, a task each")
    rows = spark.range(0, count, 1, count).mapInArrow(task, "share int, file int, at long, content binary")
    return rows.persist(StorageLevel.DISK_ONLY)


def by_share(rows: Any, shares: int, count: Callable[[int, Iterator[tuple[int, int, int, bytes]]], bytes]) -> list[bytes]:
    """What `count` (share, its rows) yields of every share, brought to the driver; one task a share."""

    def task(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        with silent():
            inside = (tuple(row.values()) for batch in batches for row in batch.to_pylist())
            first = next(inside, None)
            if first is not None:
                yield pa.RecordBatch.from_pylist([{"content": count(first[0], chained(first, inside))}], schema=kinds)

    import pyarrow as pa

    kinds = pa.schema([("content", pa.binary())])
    apart = spark_partitions(rows.filter("share >= 0"), shares)
    return [bytes(row["content"]) for row in apart.mapInArrow(task, "content binary").collect()]


def chained(first: tuple, others: Iterator[tuple]) -> Iterator[tuple]:
    yield first
    yield from others


def spark_partitions(rows: Any, shares: int) -> Any:
    """Every share in a partition of its own: `partitionBy` of the share's number itself, which no hash puts together."""
    return rows.sparkSession.createDataFrame(
        rows.rdd.keyBy(lambda row: row["share"]).partitionBy(shares, int).values(), schema=rows.schema)  # fmt: skip
