//! What the daemon knows at this moment, for completion: asked in a thread of
//! its own, because whoever presses Tab waits a moment and no longer. A daemon
//! that is down, slow or wants other credentials means no names.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::client::Client;
use super::complete::{Lists, Live, MOST};
use super::failure::Failure;
use super::reply::ConfigInfo;

/// The longest answer that is read, in bytes. That of ten thousand processes has a sixth of it.
const LONGEST: usize = 64 << 20;

/// Asks for these lists; what does not come within the limit is empty.
pub fn ask(client: Client, lists: Lists, limit: Duration) -> Live {
    if lists == Lists::None {
        return Live::default();
    }
    let answer = Arc::new(Answer::default());
    let given = Arc::clone(&answer);
    // It may outlive the question, and ends with the program.
    let started = thread::Builder::new().spawn(move || {
        given.give(fetch(client, lists).unwrap_or_default());
    });
    match started {
        Ok(_) => answer.within(limit),
        Err(_) => Live::default(),
    }
}

/// Where the thread leaves what it was told.
#[derive(Default)]
struct Answer {
    live: Mutex<Option<Live>>,
    came: Condvar,
}

impl Answer {
    fn give(&self, live: Live) {
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Some(live);
        self.came.notify_one();
    }

    /// What came in that time.
    fn within(&self, limit: Duration) -> Live {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .came
            .wait_timeout_while(live, limit, |live| live.is_none());
        let (mut live, _) = waited.unwrap_or_else(PoisonError::into_inner);
        live.take().unwrap_or_default()
    }
}

fn fetch(mut client: Client, lists: Lists) -> Result<Live, Failure> {
    client.longest = Some(LONGEST);
    let mut live = Live::default();
    if matches!(lists, Lists::Processes | Lists::Groups) {
        live.processes = client.call("getAllProcessInfo", &[])?.processes()?;
    }
    if matches!(lists, Lists::Inactive | Lists::Groups) {
        live.inactive = inactive(client.call("getAllConfigInfo", &[])?.configurations()?);
    }
    live.processes.truncate(MOST);
    Ok(live)
}

/// The groups that are configured and not active, each once, and not more than can be offered.
pub fn inactive(configurations: Vec<ConfigInfo>) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for ConfigInfo { group, inuse, .. } in configurations {
        if !inuse && groups.len() < MOST && !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}
