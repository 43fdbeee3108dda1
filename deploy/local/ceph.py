"""Ceph from Debian's packages as the S3 server: one monitor, one store of objects, one gateway."""

import json
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import urllib3
from minio import Minio
from minio.error import MinioException

from deploy.local.errors import ServerNotUp
from deploy.local.process import LongProcess, program, run
from deploy.local.server_folder import HOST, ServerFolder, write_private

START_S = 120
POLL_S = 0.1
PROBE_S = 5
USER = "quorate"
REGION = "us-east-1"
CONFIG = """\
[global]
fsid = {fsid}
mon_host = [v2:{host}:{monitor_port}/0]
public_addr = {host}
cluster_addr = {host}
ms_bind_msgr1 = false
ms_bind_ipv6 = false
# daemons use no keys, so no encryption either, which the gateway would ask for by default
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
# one copy of everything; the monitor decides alone
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
paxos_propose_interval = 0.01
paxos_min_wait = 0.01
mon_data_avail_crit = 0
mon_data_avail_warn = 0
admin_socket =
pid_file =
run_dir = {folder}
crash_dir = {folder}/crash
keyring = {folder}/keyring
log_file = {folder}/$name.log
log_to_stderr = false
[mon]
mon_data = {folder}/mon
mon_cluster_log_file = {folder}/cluster.log
[osd]
osd_data = {folder}/osd
osd_objectstore = bluestore
osd_op_num_shards = 2
bluestore_block_size = 21474836480
bluestore_cache_autotune = false
bluestore_cache_size = 134217728
[client]
rgw_frontends = beast endpoint={host}:{port} tcp_nodelay=1
rgw_data = {folder}/rgw
rgw_thread_pool_size = 64
rgw_gc_obj_min_wait = 60
rgw_gc_processor_period = 60
# a killed gateway leaves its lock behind, and the next gateway would wait for it at its own shutdown
rgw_enable_lc_threads = false
debug_rgw = 0
# how soon a client sees that the object store daemon is up
objecter_tick_interval = 0.2
objecter_timeout = 0.5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceph:
    """A cluster of one host on loopback; acknowledged writes survive a kill of all its daemons."""

    name: ClassVar[str] = "s3"
    packages: ClassVar[tuple[str, ...]] = ("radosgw", "ceph-mon", "ceph-osd")
    programs: ClassVar[tuple[str, ...]] = ("monmaptool", "ceph-mon", "ceph-osd", "ceph", "radosgw", "radosgw-admin")

    folder: Path
    port: int
    monitor_port: int
    fsid: str

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """The server of this folder; its ports and secrets are kept there."""
        folder = ServerFolder(path)
        return cls(
            folder=path,
            port=folder.port("s3"),
            monitor_port=folder.port("monitor"),
            fsid=folder.identity("fsid"),
        )

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The settings of a client, once the server was up."""
        access_key, secret_key = self._keys()
        return {
            "QUORATE_S3_ENDPOINT": f"http://{HOST}:{self.port}",
            "QUORATE_S3_ACCESS_KEY": access_key,
            "QUORATE_S3_SECRET_KEY": secret_key,
        }

    def start(self) -> None:
        """Start the daemons that are down, and wait until the gateway answers. Raises ServerNotUp."""
        if self.is_up():
            return
        self._configure()
        if not self._made.exists():
            self._make()
        self._start_monitor()
        self._osd.start([program("ceph-osd"), *self._options, "-i", "0", "-f"])
        self._make_user()
        self._gateway.start([program("radosgw"), *self._options, "-n", "client.rgw", "-f"])
        deadline = time.monotonic() + START_S
        while not self.is_up():
            if self._gateway.pid() is None or time.monotonic() > deadline:
                raise ServerNotUp(f"Ceph did not start; see the logs in {self.folder}\n{self._gateway.tail()}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop the daemons, the monitor last: the others report their shutdown to it."""
        for process in self._processes:
            process.stop()

    def kill(self) -> None:
        """Kill all daemons; `start` brings the server back with its data."""
        for process in self._processes:
            process.kill()

    def is_up(self) -> bool:
        """Whether it answers a signed request, which takes all daemons."""
        if not self._user.exists():
            return False
        access_key, secret_key = self._keys()
        http = urllib3.PoolManager(timeout=PROBE_S, retries=False)
        client = Minio(f"{HOST}:{self.port}", access_key, secret_key, secure=False, region=REGION, http_client=http)
        try:
            client.list_buckets()
        except (MinioException, urllib3.exceptions.HTTPError):
            return False
        finally:
            http.clear()
        return True

    def version(self) -> str:
        """The installed version."""
        return f"Ceph RGW {run([program('radosgw'), '--version']).split()[2]}"

    @property
    def _gateway(self) -> LongProcess:
        return LongProcess(folder=self.folder, name="radosgw")

    @property
    def _osd(self) -> LongProcess:
        return LongProcess(folder=self.folder, name="ceph-osd")

    @property
    def _monitor(self) -> LongProcess:
        return LongProcess(folder=self.folder, name="ceph-mon")

    @property
    def _processes(self) -> tuple[LongProcess, ...]:
        return self._gateway, self._osd, self._monitor

    @property
    def _options(self) -> tuple[str, str]:
        return "-c", str(self.folder / "ceph.conf")

    @property
    def _made(self) -> Path:
        """This file exists once the cluster was made completely."""
        return self.folder / "made"

    @property
    def _user(self) -> Path:
        """What radosgw-admin printed about our user, with its keys."""
        return self.folder / "user.json"

    def _configure(self) -> None:
        values = {"folder": self.folder, "port": self.port, "monitor_port": self.monitor_port}
        (self.folder / "ceph.conf").write_text(CONFIG.format(fsid=self.fsid, host=HOST, **values))
        (self.folder / "keyring").touch()

    def _make(self) -> None:
        """Make the cluster, and remove first what an interrupted attempt left."""
        self.stop()
        for name in ("mon", "osd", "rgw", "crash"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir()
        self._user.unlink(missing_ok=True)
        monmap = str(self.folder / "monmap")
        address = f"[v2:{HOST}:{self.monitor_port}/0]"
        run([program("monmaptool"), "--create", "--clobber", "--fsid", self.fsid, "--addv", "a", address, monmap])
        run([program("ceph-mon"), *self._options, "--mkfs", "-i", "a", "--monmap", monmap])
        self._start_monitor()
        osd = str(uuid.uuid4())
        run([program("ceph"), *self._options, "--connect-timeout", "30", "osd", "new", osd])
        run([program("ceph-osd"), *self._options, "-i", "0", "--mkfs", "--osd-uuid", osd])
        self._made.touch()

    def _make_user(self) -> None:
        """Ceph makes the keys, so that no command line shows them."""
        if self._user.exists():
            return
        admin = [program("radosgw-admin"), *self._options]
        made = [*admin, "user", "create", f"--uid={USER}", f"--display-name={USER}"]
        try:
            said = run(made, timeout_s=START_S)
        except ServerNotUp:  # an interrupted start has made it already
            said = run([*admin, "user", "info", f"--uid={USER}"])
        write_private(self._user, said)

    def _keys(self) -> tuple[str, str]:
        user: dict[str, Any] = json.loads(self._user.read_text())
        return user["keys"][0]["access_key"], user["keys"][0]["secret_key"]

    def _start_monitor(self) -> None:
        self._monitor.start([program("ceph-mon"), *self._options, "-i", "a", "-f"])
