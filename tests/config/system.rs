//! The system that the tests read configurations on: the real one, but for
//! what would differ from machine to machine.

use pollvisor::config::load::{LoadRequest, Purpose, RealSystem, load_with};
use pollvisor::config::supervisord::Overrides;
use pollvisor::config::system::{ReadError, System};
use pollvisor::config::{Config, error::ConfigError};

/// The environment of every reading, ours and the oracle's.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("HOME", "/home/tester"),
    ("TMPDIR", "/tmp"),
    ("WORD", "from the environment"),
    ("PERCENT", "100%"),
];

const HOST: &str = "host.example";
const NOBODY: u32 = 65534;

#[derive(Clone, Copy, PartialEq)]
pub enum TestSystem {
    /// Directories and users are the real ones.
    Strict,
    /// Every directory and every user exists.
    Lenient,
}

impl TestSystem {
    /// Reads a file by its bare name, from its directory.
    pub fn load(self, directory: &str, name: &str) -> Result<Config, ConfigError> {
        let environment = ENVIRONMENT
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        let request = LoadRequest {
            path: name.to_owned(),
            overrides: Overrides::default(),
            environment: environment.collect(),
            launch_directory: directory.to_owned(),
            purpose: Purpose::Start,
        };
        load_with(&request, &self)
    }

    fn is_lenient(self) -> bool {
        self == TestSystem::Lenient
    }
}

impl System for TestSystem {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        RealSystem.read(path)
    }

    fn exists(&self, path: &str) -> bool {
        RealSystem.exists(path)
    }

    fn is_directory(&self, path: &str) -> bool {
        self.is_lenient() || RealSystem.is_directory(path)
    }

    fn others_can_read(&self, path: &str) -> bool {
        RealSystem.others_can_read(path)
    }

    fn others_who_can_write(&self, directory: &str) -> Option<String> {
        RealSystem.others_who_can_write(directory)
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        RealSystem.glob(pattern)
    }

    fn host_node_name(&self) -> String {
        HOST.to_owned()
    }

    fn temporary_directory(&self) -> String {
        "/tmp".to_owned()
    }

    fn home_directory(&self, user: Option<&str>) -> Option<String> {
        match user {
            None => Some("/home/tester".to_owned()),
            user => RealSystem.home_directory(user),
        }
    }

    fn uid(&self) -> u32 {
        RealSystem.uid()
    }

    fn uid_of_name(&self, name: &str) -> Option<u32> {
        if self.is_lenient() {
            Some(NOBODY)
        } else {
            RealSystem.uid_of_name(name)
        }
    }

    fn gid_of_uid(&self, uid: u32) -> Option<u32> {
        if self.is_lenient() {
            Some(NOBODY)
        } else {
            RealSystem.gid_of_uid(uid)
        }
    }

    fn gid_of_name(&self, name: &str) -> Option<u32> {
        if self.is_lenient() {
            Some(NOBODY)
        } else {
            RealSystem.gid_of_name(name)
        }
    }

    fn has_gid(&self, gid: u32) -> bool {
        self.is_lenient() || RealSystem.has_gid(gid)
    }
}
