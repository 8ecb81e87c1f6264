//! One resilience stack for all calls: stale cache ► retry ► gate and breaker ► rate limit ► timeout ► transport.
