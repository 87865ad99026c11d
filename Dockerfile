ARG NODE_IMAGE=node:26-bookworm-slim

FROM ${NODE_IMAGE} AS bundles
WORKDIR /build
COPY package.json package-lock.json ./
# Bundling needs esbuild and what is bundled, at the versions of the lock file: neither test tools nor npm's Node.
RUN node -e "const p = JSON.parse(fs.readFileSync('package.json')); p.devDependencies = { esbuild: p.devDependencies.esbuild }; delete p.optionalDependencies; fs.writeFileSync('package.json', JSON.stringify(p))" \
 && npm install --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
COPY healthcheck healthcheck
COPY scripts/licences.ts scripts/
ARG REVISION=
RUN npm run build && chmod 0755 dist/*.js

FROM ${NODE_IMAGE} AS runtime
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils ca-certificates conntrack nftables \
 && rm -rf /var/lib/apt/lists/*
# The licences of Node and of Debian's packages are where their images have them.
# nft and conntrack are what FAST_LANE runs.
# Every library keeps the path where ldd finds it: the loader has no ld.so.cache in the image and looks there.
RUN mkdir -p /rootfs/usr/local/bin /rootfs/usr/share/licenses/node /rootfs/etc/ssl/certs /rootfs/run /rootfs/tmp /run-of-user/sallyport \
 && chmod 1777 /rootfs/tmp \
 && chmod 0700 /run-of-user/sallyport \
 && strip --output-file /rootfs/usr/local/bin/node /usr/local/bin/node \
 && cp /usr/sbin/conntrack /usr/sbin/nft /rootfs/usr/local/bin/ \
 && for program in /usr/local/bin/node /usr/sbin/conntrack /usr/sbin/nft; do ldd $program; done \
    | grep --only-matching '/[^ ]*' | sort --unique \
    | xargs -I{} cp --parents --dereference {} /rootfs \
 && find /usr/local -maxdepth 1 -name LICENSE -exec cp {} /rootfs/usr/share/licenses/node/ \; \
 && find -L /usr/share/doc -regextype egrep -regex '.*/(ca-certificates|conntrack|nftables|lib(atomic1|bsd0|c6|edit2|gcc-s1|gmp10|jansson4|md0|mnl0|netfilter-conntrack3|nfnetlink0|nftables1|nftnl11|stdc\+\+6|tinfo6|xtables12))/copyright' \
    -exec cp --parents --dereference {} /rootfs \; \
 && cp --dereference /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/ \
 && echo 'hosts: files dns' >/rootfs/etc/nsswitch.conf \
 && echo 'sallyport:x:65532:65532:sallyport:/:/sbin/nologin' >/rootfs/etc/passwd \
 && echo 'sallyport:x:65532:' >/rootfs/etc/group

FROM scratch
ARG VERSION=dev
ARG REVISION=
LABEL org.opencontainers.image.title="Sallyport" \
      org.opencontainers.image.description="Relays raw TCP or UDP from an internal network to one allowed name." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A private CA mounted over /etc/ssl/certs/ca-certificates.crt counts too, beside NODE_EXTRA_CA_CERTS.
# Nothing of ours makes code from text, or uses __proto__: whatever gets that far shall not either.
# V8 by itself allows a heap 256 MB in a container of 64: the kernel would kill it before V8 says that it is full. Workers have limits of their own.
ENV PATH=/usr/local/bin NODE_USE_SYSTEM_CA=1 \
    NODE_OPTIONS="--disallow-code-generation-from-strings --disable-proto=throw --max-old-space-size-percentage=40"
COPY --from=runtime /rootfs /
COPY --from=runtime --chown=65532:65532 /run-of-user /run
COPY --from=bundles /build/dist/sallyport.js /usr/local/bin/sallyport
COPY --from=bundles /build/dist/sallyport-metrics.js /build/dist/sallyport-page.html /usr/local/bin/
COPY --from=bundles /build/dist/healthcheck.js /usr/local/bin/healthcheck
COPY --from=bundles /build/dist/sallyport-licences.txt /usr/share/licenses/sallyport/bundled-packages.txt
COPY LICENSE /usr/share/licenses/sallyport/LICENSE
USER 65532:65532
# How long a probe may take is the user's to set: the engine's own limit only catches a healthcheck that hangs.
HEALTHCHECK --interval=30s --timeout=30s --start-period=10s CMD ["healthcheck"]
ENTRYPOINT ["sallyport"]
