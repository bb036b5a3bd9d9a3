# Stands in for rabbitmq:3-management.
FROM multiflux-stand-in/debian:bookworm
RUN groupadd --gid 999 rabbitmq && useradd --uid 999 --gid 999 --home-dir /var/lib/rabbitmq --shell /bin/bash rabbitmq \
    && printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d \
    && apt-get update && apt-get install -y --no-install-recommends rabbitmq-server && rm -rf /var/lib/apt/lists/* /var/lib/rabbitmq/* \
    && printf '[rabbitmq_management].\n' >/etc/rabbitmq/enabled_plugins \
    && ln -sf /usr/lib/rabbitmq/bin/rabbitmq-* /usr/lib/rabbitmq/bin/rabbitmqctl /usr/local/bin/ \
    && install -d -o 999 -g 999 /var/lib/rabbitmq /var/log/rabbitmq
ENV HOME=/var/lib/rabbitmq RABBITMQ_LOGS=-
CMD ["rabbitmq-server"]
