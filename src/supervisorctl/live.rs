//! What the daemon knows at this moment, for completion: asked in a thread of
//! its own, because whoever presses Tab waits a moment and no longer. A daemon
//! that is down, slow or wants other credentials means no names.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::client::Client;
use super::complete::{Live, LiveProcess, Wanted};
use super::failure::Failure;
use super::reply::Reply;
use crate::xmlrpc::value::Value;

/// A server and who asks it.
#[derive(Clone)]
pub struct Source {
    /// The server's URL.
    pub url: String,
    /// The user name.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
}

impl Source {
    /// The server of a client.
    pub fn of(client: &Client) -> Source {
        Source {
            url: client.url.clone(),
            username: client.username.clone(),
            password: client.password.clone(),
        }
    }

    /// What is wanted, if it comes within the limit; else empty lists.
    pub fn ask(&self, wanted: Wanted, limit: Duration) -> Live {
        if wanted == Wanted::Nothing {
            return Live::default();
        }
        let source = self.clone();
        let (sender, receiver) = mpsc::channel();
        // It may outlive the question, and ends with the program.
        let started = thread::Builder::new().spawn(move || {
            let _ = sender.send(source.fetch(wanted).unwrap_or_default());
        });
        match started {
            Ok(_) => receiver.recv_timeout(limit).unwrap_or_default(),
            Err(_) => Live::default(),
        }
    }

    fn fetch(self, wanted: Wanted) -> Result<Live, Failure> {
        let mut client = Client::new(self.url, self.username, self.password);
        let mut live = Live::default();
        if matches!(wanted, Wanted::Processes | Wanted::Groups) {
            let method = "getAllProcessInfo";
            let value = client.call(method, &[])?;
            live.processes = processes(method, &value)?;
        }
        if matches!(wanted, Wanted::Inactive | Wanted::Groups) {
            let method = "getAllConfigInfo";
            let value = client.call(method, &[])?;
            live.inactive = inactive(method, &value)?;
        }
        Ok(live)
    }
}

fn processes(method: &str, value: &Value) -> Result<Vec<LiveProcess>, Failure> {
    let processes = Reply { method, value }.processes()?.into_iter();
    Ok(processes
        .map(|process| LiveProcess {
            group: process.group,
            name: process.name,
            state: process.state,
        })
        .collect())
}

fn inactive(method: &str, value: &Value) -> Result<Vec<String>, Failure> {
    let mut groups: Vec<String> = Vec::new();
    for configuration in (Reply { method, value }).configurations()? {
        if !configuration.inuse && !groups.contains(&configuration.group) {
            groups.push(configuration.group);
        }
    }
    Ok(groups)
}
