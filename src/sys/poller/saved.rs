//! A poller in a state: its descriptors, each under the token that it has, and a new set of the
//! kernel's in the next program.

use std::os::fd::OwnedFd;

use super::{Interest, Poller, Registration, SLOT_BITS, Slot, Token};
use crate::snapshot::{Missing, Reader, Save, Saved, Writer, saved};
use crate::sys::errno;

saved! { struct Token(_); }

saved! { new struct Interest { readable, writable } }

impl<S: Save> Save for Poller<S> {
    fn save(&self, to: &mut Writer) {
        to.members(&[("slots", &self.slots), ("free", &self.free)]);
    }
}

impl<S: Saved + Copy> Saved for Poller<S> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        let mut poller: Poller<S> = match Poller::new() {
            Ok(poller) => poller,
            Err(error) => {
                let reason = errno::reason(&error);
                return from.fail(&format!("cannot wait for descriptors: {reason}"));
            }
        };
        from.members(&mut [("slots", &mut poller.slots), ("free", &mut poller.free)])?;
        let is_free = |slot: &usize| {
            let slot = poller.slots.get(*slot);
            slot.is_some_and(|slot| slot.registration.is_none())
        };
        if !poller.free.iter().all(is_free) {
            return from.fail("a slot of the poller is free and in use");
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
                return from.fail(&format!("cannot wait for what is of {owner}: {reason}"));
            }
        }
        Some(poller)
    }
}

impl<S: Save> Save for Slot<S> {
    fn save(&self, to: &mut Writer) {
        let (generation, registration) = (&self.generation, &self.registration);
        to.members(&[("generation", generation), ("registration", registration)]);
    }
}

impl<S: Saved> Saved for Slot<S> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        let (mut generation, mut registration) = (0, None);
        from.members(&mut [
            ("generation", &mut generation),
            ("registration", &mut registration),
        ])?;
        Some(Slot {
            generation,
            registration,
        })
    }
}

impl<S: Save> Save for Registration<S> {
    fn save(&self, to: &mut Writer) {
        to.members(&[
            ("descriptor", &self.descriptor),
            ("interest", &self.interest),
            ("owner", &self.owner),
        ]);
    }
}

impl<S: Saved> Saved for Registration<S> {
    fn restored(from: &mut Reader<'_>) -> Option<Self> {
        let (mut descriptor, mut owner) = (Missing::<OwnedFd>::default(), Missing::default());
        let mut interest = Interest::NONE;
        from.members(&mut [
            ("descriptor", &mut descriptor),
            ("interest", &mut interest),
            ("owner", &mut owner),
        ])?;
        Some(Registration {
            descriptor: descriptor.found(from, "descriptor")?,
            interest,
            owner: owner.found(from, "owner")?,
        })
    }
}
