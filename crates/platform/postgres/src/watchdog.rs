use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::PostgresError;
use crate::binaries::{Binaries, in_search_path};
use crate::home::Home;

/// Waits until the last user is gone, whether it said so or was killed, and stops the server. Arguments: the home, the
/// cluster, `pg_ctl`, and the program that locks.
///
/// The gate is taken after the users' lock was seen free, and only then is that lock tried for good: whoever arrived in
/// between holds it, and the watch goes on. The watchdog's own lock is let go before the gate, so that the next user to
/// pass the gate sees that nobody watches any more. A server that is not there may be one that is just starting under a
/// user killed at that moment, therefore the second and third look. The number in a pid file left by a crash may belong to
/// a stranger, whom `pg_ctl` would signal: the server is the one that works in its own directory.
const SCRIPT: &str = r#"
home=$1 cluster=$2 pg_ctl=$3 locker=$4
trap '' INT HUP
exec 7>>"$home/watchdog.lock" 8>>"$home/gate.lock" 9>>"$home/users.lock"
lock() { # descriptor, how: 2 exclusive, 6 exclusive or fail at once, 8 let go
  case $locker in
  flock)
    case $2 in
    2) flock -x "$1" ;;
    6) flock -x -n "$1" ;;
    8) flock -u "$1" ;;
    esac ;;
  perl) perl -e 'open(my $f, ">>&=", $ARGV[0]) or exit 2; flock($f, $ARGV[1]) or exit 1' "$1" "$2" ;;
  esac
}
stop() {
  pid=$(head -n 1 "$cluster/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] || return 1
  if [ -e /proc/self ] && [ "$(readlink "/proc/$pid/cwd")" != "$cluster" ]; then return 1; fi
  "$pg_ctl" stop -s -D "$cluster" -m fast -w -t 60 7>&- 8>&- 9>&-
}
lock 7 6 || exit 0
misses=0
while :; do
  lock 9 2 || exit 1
  lock 9 8
  lock 8 2 || exit 1
  if lock 9 6; then
    if stop; then misses=3; else misses=$((misses + 1)); fi
    if [ "$misses" -ge 3 ]; then
      lock 7 8
      exit 0
    fi
    lock 9 8
  else
    misses=0
  fi
  lock 8 8
  [ "$misses" -eq 0 ] || sleep 1
done
"#;

/// Sees to it that a watchdog watches. Called with the gate and the users' lock held, and before the server is started:
/// there is no moment at which a killed user leaves a server that nobody watches.
///
/// Returns false where neither of the two programs that can take a lock for a shell script (`flock`, `perl`) exists. Then
/// the last user stops the server itself; a killed one leaves it running for the next one to join.
pub(crate) fn ensure(home: &Home, binaries: &Binaries) -> Result<bool, PostgresError> {
    let Some(locker) = ["flock", "perl"].into_iter().find(|program| in_search_path(program).is_some()) else {
        return Ok(false);
    };
    let path = home.watchdog();
    match home.open(&path)?.try_lock() {
        // Let go at once by closing the file; a second watchdog that starts in that moment too ends by itself.
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(true),
        Err(TryLockError::Error(error)) => return Err(PostgresError::io("lock", &path)(error)),
    }
    let log = home.open(&home.log())?;
    let log_again = log.try_clone().map_err(PostgresError::io("open", &home.log()))?;
    let shell = Path::new("/bin/sh");
    let arguments: [PathBuf; 4] =
        [home.root.clone(), home.cluster(), binaries.program("pg_ctl"), PathBuf::from(locker)];
    let mut child = home
        .account
        .command(shell)
        .args(["-c", SCRIPT, "nmc-postgres-watchdog"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_again)
        .spawn()
        .map_err(PostgresError::io("run", shell))?;
    // Collects the exit status, so that no dead process is left while we live on.
    std::thread::spawn(move || child.wait());
    Ok(true)
}
