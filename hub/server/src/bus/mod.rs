//! The bus contract, the in-process bus, RabbitMQ.
