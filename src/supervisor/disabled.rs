//! Processes that operators have disabled: they are started when somebody names them, and not by
//! themselves, with others or for others. They are kept in the state file, over restarts.

use crate::loop_context::LoopContext;
use crate::process::group::namespec;
use crate::process::subprocess::Subprocess;
use crate::snapshot::saved;
use crate::supervisor::Supervisor;
use crate::supervisor::state_file::{self, Names};
use crate::sys::errno;
use crate::tokens::ProcessId;

/// The state file, where one is configured.
#[derive(Debug)]
pub struct Disabled {
    path: String,
    names: Names,
    /// The file could not be read, and is not to be written over.
    is_unread: bool,
}

saved! { struct Disabled { path, names, is_unread } }

impl Supervisor {
    /// Reads the state file, if one is configured. One that cannot be read is told of, and nothing
    /// is disabled then.
    pub fn read_state_file(&mut self, context: &mut LoopContext) {
        let Some(path) = self.config.supervisord.statefile.clone() else {
            return;
        };
        let read = state_file::read(&path);
        let is_unread = read.is_err();
        let names = read.unwrap_or_else(|error| {
            context.log.error(format_args!(
                "cannot read the state file {path}: {}; nothing is disabled",
                errno::reason(&error)
            ));
            Names::new()
        });
        self.disabled = Some(Box::new(Disabled {
            path,
            names,
            is_unread,
        }));
    }

    pub fn is_disabled(&self, process: &Subprocess) -> bool {
        self.has_disabled(process.group_name(), &process.config().name)
    }

    /// The same by name, for a process that may not be active.
    pub fn has_disabled(&self, group: &str, process: &str) -> bool {
        let names = self.disabled.as_deref().map(|disabled| &disabled.names);
        names.is_some_and(|names| state_file::place(names, group, process).is_ok())
    }

    pub fn is_disabled_by_id(&self, id: ProcessId) -> bool {
        // Most have nothing that is disabled.
        self.disabled.is_some()
            && self
                .groups
                .process(id)
                .is_some_and(|process| self.is_disabled(process))
    }

    /// Disables processes, or enables them again; the error is a text for who asked for it.
    /// Nothing is started or stopped by that, but for what others wait for.
    pub fn set_disabled(
        &mut self,
        context: &mut LoopContext,
        ids: &[ProcessId],
        is_disabled: bool,
    ) -> Result<(), String> {
        let Some(state) = &mut self.disabled else {
            return Err(
                "there is no state file that could keep it: set statefile in [supervisord] and \
                 restart supervisord"
                    .to_owned(),
            );
        };
        let path = state.path.as_str();
        let told = |verb: &str, error: &std::io::Error| {
            format!(
                "cannot {verb} the state file {path}: {}",
                errno::reason(error)
            )
        };
        if state.is_unread {
            // Somebody may have mended it.
            state.names = state_file::read(path).map_err(|error| told("read", &error))?;
            state.is_unread = false;
        }
        let mut names = state.names.clone();
        for process in ids.iter().filter_map(|id| self.groups.process(*id)) {
            let (group, name) = (process.group_name(), process.config().name.as_str());
            match (state_file::place(&names, group, name), is_disabled) {
                (Err(_), true) => state_file::insert(&mut names, group, name),
                (Ok(at), false) => drop(names.remove(at)),
                _ => {}
            }
        }
        if names == state.names {
            return Ok(());
        }
        if !state_file::can_be_kept(&names) {
            return Err("a line of the state file cannot hold such a name".to_owned());
        }
        state_file::write(path, &names).map_err(|error| told("write", &error))?;
        state.names = names;
        self.changed = true;
        let what = match is_disabled {
            true => "disabled",
            false => "enabled",
        };
        for id in ids {
            if let Some(process) = self.groups.process(*id) {
                let name = namespec(process.group_name(), &process.config().name);
                context
                    .log
                    .info(format_args!("{name} is {what} on request"));
            }
            self.note_disabled(context, *id, is_disabled);
        }
        Ok(())
    }
}
