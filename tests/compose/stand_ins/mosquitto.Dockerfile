# Stands in for eclipse-mosquitto:2.
FROM multiflux-stand-in/debian:bookworm
RUN groupadd --gid 1883 mosquitto && useradd --uid 1883 --gid 1883 --no-create-home --shell /usr/sbin/nologin mosquitto \
    && apt-get update && apt-get install -y --no-install-recommends mosquitto mosquitto-clients && rm -rf /var/lib/apt/lists/* \
    && install -d -o 1883 -g 1883 /mosquitto/data
