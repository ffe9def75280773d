//! Turns of functions that are not safe to call from two threads at once.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The process in which a thread has its turn: a forked child's threads are not its parent's.
static TAKEN: Mutex<Option<u32>> = Mutex::new(None);
static FREE: Condvar = Condvar::new();

thread_local! {
    /// How many turns of this thread are one in another: such a function may call a kernel itself.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// The time between two questions whether who waits was interrupted.
const POLL: Duration = Duration::from_millis(20);

/// Until it is dropped, no other thread of the process has a turn.
pub(super) struct Turn;

/// Waits for a turn; none if the caller was interrupted. Nobody may wait with a lock that the function
/// of another's turn could want.
pub(super) fn turn(interrupted: &dyn Fn() -> bool) -> Option<Turn> {
    if DEPTH.get() == 0 {
        let own = Some(std::process::id());
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken == own {
            let (waited, timeout) = FREE.wait_timeout(taken, POLL).unwrap_or_else(PoisonError::into_inner);
            taken = waited;
            if timeout.timed_out() && *taken == own {
                // Asking may run anything.
                drop(taken);
                if interrupted() {
                    return None;
                }
                taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
            }
        }
        *taken = own;
    }
    DEPTH.set(DEPTH.get() + 1);
    Some(Turn)
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
