//! How the loop waits, and what the daemon gives back when it has come to rest.
//!
//! After a while without anything to do the pages of its code are let go of, once. What
//! happens next maps those that it needs again, a dozen times 64 KiB, which takes
//! tens of microseconds. So a daemon that is busy, or will be soon, keeps them.

use std::io;
use std::time::Duration;

use crate::reactor::Reactor;
use crate::sys::mapped_files::Unchanged;
use crate::sys::memory;
use crate::sys::poller::Ready;
use crate::sys::time;
use crate::tokens::Source;

/// After so long without anything to do the daemon is at rest.
const QUIET: Duration = Duration::from_secs(10);

/// Waits until something is ready or due, and fills `ready`.
pub fn wait(reactor: &mut Reactor, ready: &mut Vec<Ready<Source>>) -> io::Result<()> {
    let began = time::monotonic();
    let timeout = reactor.timers.wait(began);
    if !is_worth_a_rest(timeout) {
        return reactor.poller.wait(timeout, ready);
    }
    reactor.poller.wait(Some(QUIET), ready)?;
    // A signal ends the wait early, and is heard of at the next.
    if !ready.is_empty() || time::monotonic().since(began) < QUIET {
        return Ok(());
    }
    memory::trim();
    let unchanged = Unchanged::find();
    let timeout = reactor.timers.wait(time::monotonic());
    reactor.poller.wait_at_rest(timeout, ready, &unchanged)
}

/// Whether the daemon would rest for at least as long as it is quiet before.
fn is_worth_a_rest(timeout: Option<Duration>) -> bool {
    timeout.is_none_or(|timeout| timeout >= 2 * QUIET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_rests_unless_something_is_due_soon() {
        let after = |seconds| is_worth_a_rest(Some(Duration::from_secs(seconds)));
        assert!(is_worth_a_rest(None));
        assert!(after(60), "a tick each minute");
        assert!(!after(0) && !after(5) && !after(15));
    }
}
