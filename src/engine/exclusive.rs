//! Turns of functions that are not safe to call from two threads at once.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, PoisonError};

/// The process in which a thread has its turn: a forked child's threads are not its parent's.
static TAKEN: Mutex<Option<u32>> = Mutex::new(None);
static FREE: Condvar = Condvar::new();

thread_local! {
    /// How many turns of this thread are one in another: such a function may call a kernel itself.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Until it is dropped, no other thread of the process has a turn.
pub(super) struct Turn;

/// Waits for a turn. Nobody may wait with a lock that the function of another's turn could want.
pub(super) fn turn() -> Turn {
    if DEPTH.get() == 0 {
        let own = Some(std::process::id());
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken == own {
            taken = FREE.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken = own;
    }
    DEPTH.set(DEPTH.get() + 1);
    Turn
}

impl Drop for Turn {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        if DEPTH.get() == 0 {
            *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = None;
            FREE.notify_one();
        }
    }
}
