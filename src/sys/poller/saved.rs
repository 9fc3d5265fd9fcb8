//! A poller in a state: its descriptors, each under the token that it has, and a new set of the
//! kernel's in the next program.

use super::{Interest, Poller, Registration, SLOT_BITS, Slot, Token};
use crate::snapshot::{Reader, Save, Saved, Writer, saved};
use crate::sys::errno;

saved! { struct Token(_); }

saved! { struct Interest { readable, writable } }

impl<S: Save> Save for Poller<S> {
    fn save(&self, to: &mut Writer) {
        to.members("slots free", &[&self.slots, &self.free]);
    }
}

impl<S: Saved + Copy> Saved for Poller<S> {
    fn restored(from: &mut Reader<'_>) -> Self {
        let mut poller: Poller<S> = match Poller::new() {
            Ok(poller) => poller,
            Err(error) => {
                let reason = errno::reason(&error);
                from.fail(&format!("cannot wait for descriptors: {reason}"));
            }
        };
        let mut names = from.begin_members("slots free ");
        poller.slots = from.member(&mut names);
        poller.free = from.member(&mut names);
        from.end_members();
        let is_free = |slot: &usize| {
            let slot = poller.slots.get(*slot);
            slot.is_some_and(|slot| slot.registration.is_none())
        };
        if !poller.free.iter().all(is_free) {
            from.fail("a slot of the poller is free and in use");
        }
        for (slot, state) in poller.slots.iter().enumerate() {
            let Some(of) = &state.registration else {
                continue;
            };
            let token = Token(slot | (state.generation << SLOT_BITS));
            if let Err(error) = poller.watch(&of.descriptor, token, Interest::NONE, of.interest) {
                let mut owner = Writer::default();
                of.owner.save(&mut owner);
                let (owner, _) = owner.finish();
                let owner = String::from_utf8_lossy(&owner);
                let reason = errno::reason(&error);
                from.fail(&format!("cannot wait for what is of {owner}: {reason}"));
            }
        }
        poller
    }
}

impl<S: Save> Save for Slot<S> {
    fn save(&self, to: &mut Writer) {
        let (generation, registration) = (&self.generation, &self.registration);
        to.members("generation registration", &[generation, registration]);
    }
}

impl<S: Saved> Saved for Slot<S> {
    fn restored(from: &mut Reader<'_>) -> Self {
        let mut names = from.begin_members("generation registration ");
        let slot = Slot {
            generation: from.member(&mut names),
            registration: from.member(&mut names),
        };
        from.end_members();
        slot
    }
}

impl<S: Save> Save for Registration<S> {
    fn save(&self, to: &mut Writer) {
        let values: &[&dyn Save] = &[&self.descriptor, &self.interest, &self.owner];
        to.members("descriptor interest owner", values);
    }
}

impl<S: Saved> Saved for Registration<S> {
    fn restored(from: &mut Reader<'_>) -> Self {
        let mut names = from.begin_members("descriptor interest owner ");
        let registration = Registration {
            descriptor: from.member(&mut names),
            interest: from.member(&mut names),
            owner: from.member(&mut names),
        };
        from.end_members();
        registration
    }
}
