# An image for CPUs: docker build -t muybridge . && docker run --rm -v "$PWD:/work" muybridge quickstart --out quickstart
FROM python:3.12-slim

# The CPU build of torch first: PyPI's brings CUDA libraries of several gigabytes, which this image could not use.
RUN pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu

COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
RUN pip install --no-cache-dir /source

# Nothing runs as root; /work is where results go, /cache keeps rendered and decoded frames.
RUN useradd --create-home muybridge && mkdir /work /cache && chown muybridge /work /cache && chmod 777 /cache
USER muybridge
WORKDIR /work
ENV MUYBRIDGE_CACHE=/cache
VOLUME /cache

ENTRYPOINT ["muybridge"]
CMD ["--help"]
