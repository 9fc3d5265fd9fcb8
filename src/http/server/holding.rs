//! Holding clients back while the daemon becomes another program. Nobody is refused: who connects
//! waits in the queue of the socket, and who sends a request waits for its answer. What has begun
//! goes on, and is waited for.

use super::Servers;
use crate::http::connection::{Connection, Handled};
use crate::loop_context::LoopContext;
use crate::sys::poller::Interest;
use crate::tokens::ConnectionId;

impl Servers {
    /// From now on nobody is accepted, and no request is begun.
    pub fn hold(&mut self, context: &mut LoopContext) {
        self.is_held = true;
        self.listen(context, Interest::NONE, None);
        self.each(context, Connection::begin_none);
    }

    /// Whether another program can go on with all clients: no request is being read and no answer
    /// is being sent. Those that wait for an answer of the daemon do not count.
    pub fn is_quiet(&self) -> bool {
        let mut clients = self.connections.values();
        clients.all(|client| client.connection.is_quiet())
    }

    /// Ends the hold.
    pub fn go_on(&mut self, context: &mut LoopContext) {
        self.is_held = false;
        self.resume(context);
        self.each(context, Connection::begin_again);
    }

    fn each(
        &mut self,
        context: &mut LoopContext,
        act: fn(&mut Connection, &mut LoopContext) -> Handled,
    ) {
        let ids: Vec<ConnectionId> = self.connections.iter().map(|(id, _)| *id).collect();
        for id in ids {
            let handled = self.with(id, |connection, _| act(connection, context));
            // Neither hands a request up.
            self.after(context, id, handled);
        }
    }
}
