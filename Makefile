# The course's commands. The first one you run sets up .venv; after that nothing is installed again
# until the pins change.

PYTHON ?= python3
ARGS =
# what runs everything once .venv is there
RUN = .venv/bin/python

help:
	@echo "make lab       open the course in JupyterLab        ARGS=\"--no-browser --port=8899\" is handed on"
	@echo "make test      run every test                       ARGS=\"-k rules\" is handed on"
	@echo "make execute   run the chapters, save their outputs ARGS=notebooks/04_momentum.ipynb runs one"
	@echo "make bench     measure how fast training is          ARGS=\"--share=0.1\" takes a tenth of MNIST"
	@echo "make lecture   build the lecture and all slides     build/slides/index.html"
	@echo "make pdf       print the lecture, with and without notes  ARGS=04_momentum prints a chapter's deck"
	@echo "make handouts  a page of A4 for every chapter       build/handouts/"
	@echo "make questions ten questions a chapter, for Moodle and Canvas  build/questions/"
	@echo "make site      build the web site, slides and all   build/site/index.html"
	@echo "make exercises make exercises/ from solutions/      ARGS=04_momentum makes one"
	@echo "               STUDENT=ada or ROSTER=roster.csv: a variant for each learner, in grading/exercises/"
	@echo "make grade     grade a class, from uploads to scores  ARGS=04_momentum; docs/instructors.md is the guide"
	@echo "make report    what the class has not understood    ARGS=04_momentum"
	@echo "make lock      pin every package anew, after a change of requirements.txt"
	@echo "Set-up needs Python 3.11 or newer; another one than python3: make lab PYTHON=python3.12"

lab: .venv/.ready
	@$(RUN) -m nbformat.sign notebooks/*.ipynb > /dev/null  # JupyterLab shows the movies of notebooks it trusts
	JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" $(RUN) -m jupyterlab $(ARGS)

test: .venv/.ready
	$(RUN) -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)  # two files at a time, each with one thread

execute: .venv/.ready
	$(RUN) tools/execute.py $(or $(ARGS),$(wildcard notebooks/*.ipynb))

bench: .venv/.ready
	$(RUN) benchmarks/bench.py $(ARGS)

exercises: .venv/.ready
	@mkdir -p grading  # where nbgrader's gradebook is
	$(if $(STUDENT)$(ROSTER),$(RUN) tools/individual.py $(ARGS) $(if $(STUDENT),--student="$(STUDENT)",--roster="$(ROSTER)"),\
		$(RUN) -m nbgrader generate_assignment "$(or $(ARGS),*)" --force)

grade: .venv/.ready
	@$(RUN) tools/grade.py $(ARGS)

report: .venv/.ready
	@$(RUN) tools/report.py $(ARGS)

lecture slides: .venv/.ready
	$(RUN) tools/slides.py

pdf: lecture
	$(RUN) tools/pdf.py $(ARGS)

handouts: .venv/.ready
	$(RUN) tools/handouts.py $(ARGS)

questions: .venv/.ready
	$(RUN) tools/questions.py

lock: .venv/.ready
	$(RUN) -m pip install --quiet uv
	$(RUN) tools/lock.py

site: lecture
	$(RUN) -m sphinx -W --keep-going -q -d build/doctrees -c docs . build/site
	@echo "The site is in build/site/index.html"

.venv/.ready: requirements.lock pyproject.toml tools/install.py
	@command -v "$(PYTHON)" > /dev/null || { echo "Set-up failed: there is no $(PYTHON) on this machine. Install Python 3.11 or newer from https://www.python.org/downloads/, or name yours: make lab PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" tools/install.py

.PHONY: help lab test execute bench exercises grade report lecture slides pdf handouts questions lock site
