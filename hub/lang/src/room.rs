//! Room for what is made of values: counted as it is made, so that a file cannot make more of little than there is
//! memory for.
//!
//! A name that stands twice doubles what it stands for, and a name of names doubles that again: forty lines make 2^40
//! values.

use std::cell::Cell;

/// Most bytes that one thing may be made of (a request of a connector, the document of a mapping): four times the
/// largest body that is taken.
pub const MOST: usize = 64 << 20;

/// Bytes that are left.
#[derive(Debug)]
pub struct Room {
    most: usize,
    left: Cell<usize>,
}

impl Default for Room {
    fn default() -> Self {
        Self::of(MOST)
    }
}

impl Room {
    /// Room for so many bytes.
    pub fn of(most: usize) -> Self {
        Self { most, left: Cell::new(most) }
    }

    /// Takes so many bytes of it.
    ///
    /// # Errors
    ///
    /// [`Full`]: there are not so many left.
    pub fn take(&self, size: usize) -> Result<(), Full> {
        match self.left.get().checked_sub(size) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                let taken = self.most.saturating_sub(self.left.get());
                Err(Full { size: taken.saturating_add(size), most: self.most })
            }
        }
    }
}

/// More was to be made than there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// Bytes that it would have come to with what was to be added.
    pub size: usize,
    /// Bytes that there is room for.
    pub most: usize,
}

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { size, most } = self;
        write!(f, "what is made comes to {size} bytes, and may have {most}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_until_it_is_full() {
        let room = Room::of(10);
        assert_eq!(room.take(7), Ok(()));
        assert_eq!(room.take(4), Err(Full { size: 11, most: 10 }));
        assert_eq!(room.take(3), Ok(()));
        assert_eq!(room.take(usize::MAX), Err(Full { size: usize::MAX, most: 10 }));
    }
}
