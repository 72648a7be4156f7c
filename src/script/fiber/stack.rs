//! Stacks for fibers: 64 MiB of address space each, of which only the pages a
//! script really touches (12 KiB for a plain read) are ever memory.
//!
//! The size is not generosity. rhai recurses natively over nested data (drop,
//! `==`, `to_string`) without counting an operation, so no limit of the engine
//! bounds that depth tightly enough for a small stack; 64 MiB does, and
//! address space is free.

#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};

#[cfg(not(target_os = "linux"))]
use portable as platform;

#[cfg(target_os = "linux")]
use linux as platform;

/// Address space of one stack.
const SIZE: usize = 64 << 20;

/// What the software check keeps in reserve for native code that runs between
/// two checks.
const RED_ZONE: usize = 256 << 10;

/// A script that went deeper than this has its pages given back on release.
const KEEP: usize = 128 << 10;

/// Free stacks a thread keeps.
const POOLED: usize = 1024;

/// Stacks begin at so many different distances from the end of their memory, so far apart. All of
/// them end at a multiple of the size: what scripts use would share the same few lines of the
/// processor's caches and entries of its table of pages.
const COLOURS: usize = 32;
const STEP: usize = 4096 + 320;

thread_local! {
    static FREE: RefCell<Vec<Stack>> = const { RefCell::new(Vec::new()) };
    static MADE: Cell<usize> = const { Cell::new(0) };
}

/// A stack that goes back to its thread's pool.
pub(super) struct Stack {
    mapping: platform::Mapping,
    /// Where it begins, at the high end.
    base: usize,
    /// The lowest address the last script was seen at.
    deepest: usize,
}

impl Stack {
    /// A free stack of this thread, or a new one.
    ///
    /// # Errors
    /// When the kernel has no address space left.
    pub(super) fn take() -> std::io::Result<Self> {
        if let Some(stack) = FREE.with_borrow_mut(Vec::pop) {
            return Ok(stack);
        }
        let mapping = platform::Mapping::new(SIZE)?;
        let base = mapping.base() - MADE.replace(MADE.get() + 1) % COLOURS * STEP;
        Ok(Self {
            mapping,
            base,
            deepest: base,
        })
    }

    /// Below this address a script is told that its stack is used up.
    pub(super) fn soft_limit(&self) -> usize {
        self.mapping.limit() + RED_ZONE
    }

    /// Puts the stack back. `deepest` is the lowest address a script was seen
    /// at; what lies below is given back to the kernel if it went deep.
    pub(super) fn give(mut self, deepest: usize) {
        self.deepest = self.base;
        if self.base.saturating_sub(deepest) > KEEP {
            self.mapping.trim(self.mapping.base() - self.base + KEEP);
        }
        FREE.with_borrow_mut(|free| {
            if free.len() < POOLED {
                free.push(self);
            }
        });
    }
}

// SAFETY: `base` and `limit` are in one mapping that lives as long as this value, `base` at a
// multiple of 16 a few pages below its end; its lowest pages are a guard (see `Mapping::new`), and
// what is left of 64 MiB is more than MIN_STACK_SIZE.
unsafe impl corosensei::stack::Stack for Stack {
    fn base(&self) -> corosensei::stack::StackPointer {
        self.mapping.pointer(self.base)
    }

    fn limit(&self) -> corosensei::stack::StackPointer {
        self.mapping.pointer(self.mapping.limit())
    }

    #[cfg(windows)]
    fn teb_fields(&self) -> corosensei::stack::StackTebFields {
        self.mapping.teb_fields()
    }

    #[cfg(windows)]
    fn update_teb_fields(&mut self, limit: usize, guaranteed: usize) {
        self.mapping.update_teb_fields(limit, guaranteed);
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::num::NonZeroUsize;
    use std::ptr::NonNull;

    use libc::c_void;

    /// Large enough for one page on every architecture.
    const GUARD: usize = 64 << 10;

    /// `MADV_GUARD_INSTALL` (Linux 6.13): a guard without a mapping of its own,
    /// so that stacks are bounded by memory and not by `vm.max_map_count`.
    const MADV_GUARD_INSTALL: i32 = 102;

    pub(super) struct Mapping {
        low: NonNull<c_void>,
        size: usize,
    }

    impl Mapping {
        pub(super) fn new(size: usize) -> io::Result<Self> {
            // SAFETY: an anonymous private mapping at an address of the
            // kernel's choice touches no existing memory.
            let low = unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    size,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                    -1,
                    0,
                )
            };
            if low == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let low = NonNull::new(low).ok_or_else(io::Error::last_os_error)?;
            let mapping = Self { low, size };
            mapping.guard()?;
            // SAFETY: the range is this mapping's. A failure only costs memory
            // (huge pages), so the result is not looked at.
            unsafe { libc::madvise(low.as_ptr(), size, libc::MADV_NOHUGEPAGE) };
            Ok(mapping)
        }

        fn guard(&self) -> io::Result<()> {
            let low = self.low.as_ptr();
            // SAFETY: GUARD bytes at the low end of this mapping, which nothing uses.
            let done = unsafe { libc::madvise(low, GUARD, MADV_GUARD_INSTALL) == 0 }
                // SAFETY: as above.
                || unsafe { libc::mprotect(low, GUARD, libc::PROT_NONE) == 0 };
            if done {
                Ok(())
            } else {
                Err(io::Error::last_os_error())
            }
        }

        /// Highest address, where the stack begins.
        pub(super) fn base(&self) -> usize {
            self.low.as_ptr() as usize + self.size
        }

        /// Lowest address, guard included.
        pub(super) fn limit(&self) -> usize {
            self.low.as_ptr() as usize
        }

        pub(super) fn pointer(&self, address: usize) -> NonZeroUsize {
            NonZeroUsize::new(address).unwrap_or(NonZeroUsize::MIN)
        }

        /// Gives all but the uppermost `keep` bytes back to the kernel.
        pub(super) fn trim(&self, keep: usize) {
            let start = self.limit() + GUARD;
            let length = self.size - GUARD - keep;
            // SAFETY: the range lies within this mapping and no coroutine is on
            // the stack; dropped pages read as zero, which a fresh stack may hold.
            unsafe { libc::madvise(start as *mut c_void, length, libc::MADV_DONTNEED) };
        }
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            // SAFETY: the mapping was made by `new` and no coroutine is on it:
            // corosensei gives a stack back only when its coroutine is done.
            unsafe { libc::munmap(self.low.as_ptr(), self.size) };
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use std::io;

    use corosensei::stack::{DefaultStack, Stack as _, StackPointer};

    /// corosensei's own stack: enough for `check`, `test` and `dry-run` on a laptop.
    pub(super) struct Mapping(DefaultStack);

    impl Mapping {
        pub(super) fn new(size: usize) -> io::Result<Self> {
            DefaultStack::new(size).map(Self)
        }

        pub(super) fn base(&self) -> usize {
            self.0.base().get()
        }

        pub(super) fn limit(&self) -> usize {
            self.0.limit().get()
        }

        pub(super) fn pointer(&self, address: usize) -> StackPointer {
            StackPointer::new(address).unwrap_or(StackPointer::MIN)
        }

        pub(super) fn trim(&self, _keep: usize) {}

        #[cfg(windows)]
        pub(super) fn teb_fields(&self) -> corosensei::stack::StackTebFields {
            self.0.teb_fields()
        }

        #[cfg(windows)]
        pub(super) fn update_teb_fields(&mut self, limit: usize, guaranteed: usize) {
            self.0.update_teb_fields(limit, guaranteed);
        }
    }
}
