"""The verbs as typed Python functions, which ``muybridge`` hands on: ``muybridge.pretrain(data="my/videos", out="runs")``."""

from muybridge.api.audit_function import audit as audit
from muybridge.api.audit_function import run_audit as run_audit
from muybridge.api.model_functions import robustness as robustness
from muybridge.api.model_functions import zeroshot as zeroshot
from muybridge.api.result_functions import compare as compare
from muybridge.api.result_functions import quickstart as quickstart
from muybridge.api.result_functions import report as report
from muybridge.api.result_functions import runs as runs
from muybridge.api.result_functions import study as study
from muybridge.api.running import resolved_config as resolved_config
from muybridge.api.running import run_similarity as run_similarity
from muybridge.api.running import run_stage as run_stage
from muybridge.api.running import run_study as run_study
from muybridge.api.stage_functions import __getattr__ as __getattr__
from muybridge.api.stage_functions import distill as distill
from muybridge.api.stage_functions import diversity as diversity
from muybridge.api.stage_functions import finetune as finetune
from muybridge.api.stage_functions import knn as knn
from muybridge.api.stage_functions import neighbours as neighbours
from muybridge.api.stage_functions import pretrain as pretrain
from muybridge.api.stage_functions import probe as probe
from muybridge.api.stage_functions import retrieval as retrieval
from muybridge.api.stage_functions import similarity as similarity
from muybridge.claims.verbs import claims as claims
from muybridge.claims.verbs import review as review
