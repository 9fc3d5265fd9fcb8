//! Until when the sockets of programs are open.

use crate::config::{self, Address};
use crate::loop_context::LoopContext;
use crate::supervisor::Supervisor;

impl Supervisor {
    /// Closes the sockets that neither an active group has nor the configuration as last read:
    /// a group that is removed may be added again at once.
    pub fn close_unused_sockets(&mut self, context: &mut LoopContext) {
        if self.sockets.is_empty() {
            return;
        }
        let active = self.groups.iter().map(|group| &*group.config);
        let read = self.config.groups.iter().map(|group| &**group);
        let programs = active.chain(read).flat_map(config::sockets::of_group);
        let all = programs.flat_map(|(_, sockets)| &sockets.0);
        let wanted: Vec<&Address> = all.map(|named| &named.socket.address).collect();
        self.sockets.close_others(&mut context.log, &wanted);
    }
}
