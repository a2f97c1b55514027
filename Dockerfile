# The environment of requirements.lock in an image: docker build -t fusionmedclip .
# Without a network: docker run --rm --network none --gpus all -v "$PWD:/work" fusionmedclip snakemake -s /opt/project/Snakefile --cores 8 table8
FROM python:3.11-slim AS build
COPY requirements.lock pyproject.toml README.md LICENSE /project/
COPY fusionmedclip /project/fusionmedclip
COPY configs /project/configs
COPY schemas /project/schemas
RUN python -m venv /opt/fusionmedclip \
 && /opt/fusionmedclip/bin/pip install --no-cache-dir --require-hashes -r /project/requirements.lock \
 && /opt/fusionmedclip/bin/pip install --no-cache-dir --no-deps --no-build-isolation /project

FROM python:3.11-slim
COPY --from=build /opt/fusionmedclip /opt/fusionmedclip
COPY Snakefile config.yaml /opt/project/
COPY rules /opt/project/rules
COPY workflow /opt/project/workflow
COPY workflow_scripts /opt/project/workflow_scripts
COPY fusionmedclip /opt/project/fusionmedclip
COPY envs /opt/project/envs
COPY schemas /opt/project/schemas
COPY configs /opt/project/configs
COPY profiles /opt/project/profiles
COPY docs /opt/project/docs
RUN useradd --create-home --uid 1000 fusion && install -d -o fusion /work
ENV PATH=/opt/fusionmedclip/bin:$PATH OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1
USER fusion
WORKDIR /work
CMD ["fusionmedclip", "--help"]
