//! What several share: written once, and shared again by those who read it.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};

use super::{Reader, Save, Saved, Writer};

impl Writer {
    /// What is at that address: its value the first time, its number whenever.
    fn share(&mut self, address: usize, value: &dyn Save) {
        if let Some(number) = self.shared.get(&address) {
            return self.raw(&number.to_string());
        }
        // The number of its place among those that have been read when it has been.
        let number = self.shared.len();
        self.shared.insert(address, number);
        self.list(&[&number, value]);
    }
}

impl Reader<'_> {
    fn shared_again<T: Clone + 'static>(&mut self, number: usize) -> T {
        let known = self.shared.get(number);
        let known = known.and_then(|known| known.downcast_ref::<T>());
        match known.cloned() {
            Some(value) => value,
            None => self.fail("what is shared here was not told before"),
        }
    }

    /// A value that comes as a number alone where it was told before.
    fn shared<T: Clone + 'static>(&mut self, make: &mut dyn FnMut(&mut Reader<'_>) -> T) -> T {
        if self.is_at_number() {
            let number = self.number();
            return self.shared_again(number);
        }
        self.begin_list();
        let _: usize = self.item();
        // What is shared within comes after it.
        let place = self.shared.len();
        self.shared.push(Box::new(()));
        self.has_item();
        let value = make(self);
        self.end_list();
        if let Some(place) = self.shared.get_mut(place) {
            *place = Box::new(value.clone());
        }
        value
    }
}

impl<T: Save> Save for Rc<T> {
    fn save(&self, to: &mut Writer) {
        to.share(Rc::as_ptr(self).addr(), &**self);
    }
}

impl<T: Saved + 'static> Saved for Rc<T> {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.shared(&mut |from| Rc::new(T::restored(from)))
    }
}

impl Save for Rc<str> {
    fn save(&self, to: &mut Writer) {
        to.share(Rc::as_ptr(self).addr(), &&**self);
    }
}

impl Saved for Rc<str> {
    fn restored(from: &mut Reader<'_>) -> Self {
        from.shared(&mut |from| Rc::from(from.text()))
    }
}

/// Null where it is gone. It stays only if somebody else has it too.
impl<T: Save> Save for Weak<T> {
    fn save(&self, to: &mut Writer) {
        self.upgrade().save(to);
    }
}

impl<T: Saved + 'static> Saved for Weak<T> {
    fn restored(from: &mut Reader<'_>) -> Self {
        let strong = Option::<Rc<T>>::restored(from);
        strong.map_or_else(Weak::new, |strong| Rc::downgrade(&strong))
    }

    fn missing() -> Option<Self> {
        Some(Weak::new())
    }
}

impl<T: Save> Save for RefCell<T> {
    fn save(&self, to: &mut Writer) {
        self.borrow().save(to);
    }
}

impl<T: Saved> Saved for RefCell<T> {
    fn restored(from: &mut Reader<'_>) -> Self {
        RefCell::new(T::restored(from))
    }

    fn missing() -> Option<Self> {
        T::missing().map(RefCell::new)
    }
}

impl<T: Save + Copy> Save for Cell<T> {
    fn save(&self, to: &mut Writer) {
        self.get().save(to);
    }
}

impl<T: Saved + Copy> Saved for Cell<T> {
    fn restored(from: &mut Reader<'_>) -> Self {
        Cell::new(T::restored(from))
    }

    fn missing() -> Option<Self> {
        T::missing().map(Cell::new)
    }
}

impl<T: Save> Save for OnceCell<T> {
    fn save(&self, to: &mut Writer) {
        match self.get() {
            Some(value) => value.save(to),
            None => to.null(),
        }
    }
}

impl<T: Saved> Saved for OnceCell<T> {
    fn restored(from: &mut Reader<'_>) -> Self {
        let value = Option::<T>::restored(from);
        value.map_or_else(OnceCell::new, OnceCell::from)
    }

    fn missing() -> Option<Self> {
        Some(OnceCell::new())
    }
}
