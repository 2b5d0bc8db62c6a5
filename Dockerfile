# syntax=docker/dockerfile:1
# The programs of ehpcflow. The last stage, the default, is a minimal image without a
# shell, that runs as no one. The stage demo is for the simulator, whose nodes run
# commands for real and need a shell:
#
#   docker build --build-arg VERSION=v1.2.3 --build-arg REVISION=$(git rev-parse HEAD) -t ehpcflow .
#   docker build --target demo -t ehpcflow-demo .
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /out/ ./worker ./starter ./cmd/ehpcsim
# A volume takes its owner from the directory that it is first mounted on.
RUN install -d -o 65532 -g 65532 /empty

# Commands of the simulated nodes find what a small Debian has. They run as root of
# their node, which the kernel keeps apart where it may.
FROM debian:bookworm-slim AS demo
COPY --from=build /out/ /usr/local/bin/
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/ehpcsim"]

FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ehpcflow" \
      org.opencontainers.image.description="Commands on the nodes of Alibaba Cloud E-HPC clusters, as durable Temporal workflows" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/ /usr/local/bin/
COPY --from=build --chown=65532:65532 /empty /var/lib/ehpcflow
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/worker"]
