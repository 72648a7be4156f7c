//! Ten thousand tenants. Only an optimised build says something about time:
//!
//! ```sh
//! cargo test --release --test it onboarding::many -- --ignored --nocapture --test-threads 1
//! ```

#[test]
#[ignore = "a measurement"]
fn placeholder() {}
