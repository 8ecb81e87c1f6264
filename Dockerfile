# The program, the shipped mapping files, certificates and nothing else: no shell, not root, good for a read-only root.
#
#   docker build -t registry.example/orderhub:0.1.0 .
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked -p orderhub && strip target/release/orderhub

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /source/target/release/orderhub /usr/local/bin/orderhub
COPY mappings /etc/orderhub/mappings
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/orderhub"]
CMD ["run", "--config", "/etc/orderhub/orderhub.toml"]
