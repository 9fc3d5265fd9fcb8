//! What reading a configuration asks of the system, in one trait: the rest of
//! the reader is pure and is tested with a made-up system. The real one is
//! [`RealSystem`](super::load::RealSystem).

/// The questions. All paths are absolute unless said otherwise.
pub trait System {
    /// The file's bytes.
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;
    /// The bytes of an environment file, if a child could read them: never more than one may have,
    /// and nobody is waited for.
    fn read_variables(&self, path: &str) -> Option<Vec<u8>> {
        self.read(path).ok()
    }
    /// Whether anything is there, symbolic links followed.
    fn exists(&self, path: &str) -> bool;
    /// Whether a directory is there, symbolic links followed.
    fn is_directory(&self, path: &str) -> bool;
    /// Whether this is a regular file that everybody may read.
    fn others_can_read(&self, path: &str) -> bool;
    /// Who may replace files of root in this directory besides root, as the end of a sentence;
    /// `None` where nobody may, and for those who are not root.
    fn others_who_can_write(&self, directory: &str) -> Option<String>;
    /// The paths that match a shell pattern, in any order.
    fn glob(&self, pattern: &str) -> Vec<String>;
    /// `uname -n`.
    fn host_node_name(&self) -> String;
    /// The directory for temporary files.
    fn temporary_directory(&self) -> String;
    /// The home directory of a user, or of the one that runs this program.
    fn home_directory(&self, user: Option<&str>) -> Option<String>;
    /// The number of the user that runs this program.
    fn uid(&self) -> u32;
    /// The number of the user of that name.
    fn uid_of_name(&self, name: &str) -> Option<u32>;
    /// The primary group of that user, if there is such a user.
    fn gid_of_uid(&self, uid: u32) -> Option<u32>;
    /// The number of the group of that name.
    fn gid_of_name(&self, name: &str) -> Option<u32>;
    /// Whether there is a group of that number.
    fn has_gid(&self, gid: u32) -> bool;
}

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// Nothing is there.
    Missing,
    /// It is there and cannot be read, for the system's reason.
    Unreadable(String),
}
