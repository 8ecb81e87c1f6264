//! Periodic work over the store: driving suspects, woken waiters and replays again, one by one; order
//! timers; the sweep that joins waiting documents with references that passed them.
