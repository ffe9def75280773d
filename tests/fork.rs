//! A forked child runs loops on threads of its own. One test in a process of its own, since other
//! tests' threads would be lost in the child.
#![allow(unsafe_code, reason = "forks, and stands in for generated code")]

use numfuse::array::ArrayRef;
use numfuse::codegen::Entry;
use numfuse::runtime::plan::LoopPlan;
use numfuse::runtime::run::run;

/// Doubles operand 0.
unsafe extern "C" fn double(
    pointers: *const *mut u8,
    inner_strides: *const isize,
    _: *const isize,
    inner: usize,
    _: usize,
) -> u64 {
    for i in 0..inner as isize {
        // SAFETY: by the contract of `Entry`, the addresses are those of elements.
        unsafe {
            let element = (*pointers).wrapping_offset(i * *inner_strides).cast::<f64>();
            element.write(2.0 * element.read());
        }
    }
    0
}

fn doubles_on_threads() -> bool {
    let mut values = vec![1.5; 3_000_000];
    let shape = [3_000_000];
    for _ in 0..3 {
        let view = ArrayRef::of_slice_mut(&mut values, &shape);
        let plan = LoopPlan::new(&shape, &[Some(&view)]);
        if run(&plan, &(double as Entry), 4, &|| false).is_err() {
            return false;
        }
    }
    values.iter().all(|&value| value == 12.0)
}

/// The threads of this process that are the pool's.
fn pool_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("numfuse-")).count()
}

/// Forks; the child works and forks again as often as said; true if all were well.
fn child_is_well(generations: usize) -> bool {
    // SAFETY: the child calls only this crate and the allocator, which `fork` leaves usable, and
    // ends without returning.
    match unsafe { libc::fork() } {
        -1 => false,
        0 => {
            // A child that hangs is ended by the alarm, and its status tells.
            // SAFETY: takes and gives plain numbers.
            unsafe { libc::alarm(60) };
            let well = std::panic::catch_unwind(|| {
                pool_threads() == 0
                    && doubles_on_threads()
                    && pool_threads() > 0
                    && (generations == 0 || child_is_well(generations - 1))
            });
            // SAFETY: ends the process.
            unsafe { libc::_exit(if well.unwrap_or(false) { 0 } else { 1 }) }
        }
        child => {
            let mut status = -1;
            // SAFETY: the status is a variable of ours.
            unsafe { libc::waitpid(child, &mut status, 0) == child && status == 0 }
        }
    }
}

#[test]
fn children_make_their_own_pool() {
    assert!(doubles_on_threads());
    assert!(pool_threads() > 0);
    for _ in 0..5 {
        assert!(child_is_well(2));
        assert!(doubles_on_threads());
    }
}
