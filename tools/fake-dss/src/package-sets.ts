/** Package lists as people write them, with the pins that they came to: comments, doubles, markers, dead names and all. */

/** What was asked for, and what was installed. */
export interface PackageSet {
  /** Part of the names of envs that have it. */
  readonly word: string;
  readonly spec: string;
  readonly actual: string;
}

/** Lists for pip. Two have no newline at their end, as many real ones. */
export const PYTHON_SETS: readonly PackageSet[] = [
  {
    word: 'forecast',
    spec: '# models\nstatsmodels>=0.12,<0.15\nscikit-learn==1.0.2\n\n# the same again\nscikit-learn==1.0.2\n',
    actual: 'numpy==1.21.6\npatsy==0.5.6\nscikit-learn==1.0.2\nscipy==1.7.3\nstatsmodels==0.13.5\n',
  },
  {
    word: 'vision',
    spec: 'tensorflow==1.4.0\nkeras==2.1.2\nh5py>=2.7.1\nPillow\npip==9.0.1',
    actual: 'h5py==2.10.0\nKeras==2.1.2\nPillow==8.4.0\npip==9.0.1\ntensorflow==1.4.0\n',
  },
  {
    word: 'graphs',
    spec: 'networkx==2.4\npython-louvain==0.14\n# pygraphviz==1.5\npython-igraph\ngraph-tools\n',
    actual: 'igraph==0.10.8\nnetworkx==2.4\npython-igraph==0.10.8\npython-louvain==0.14\n',
  },
  {
    word: 'warehouse',
    spec: 'snowflake-connector-python[pandas]==2.7.9\npyarrow<7 ; python_version < "3.10"\npyarrow>=7 ; python_version >= "3.10"\n',
    actual: 'pyarrow==6.0.1\nsnowflake-connector-python==2.7.9\n',
  },
  {
    word: 'text',
    spec: 'spacy[lookups]==3.4.4\nhttps://models.example.com/en_core_web_sm-3.4.1-py3-none-any.whl\nlangdetect  # sdist only\n',
    actual:
      'en-core-web-sm @ https://models.example.com/en_core_web_sm-3.4.1-py3-none-any.whl\nlangdetect==1.0.9\nspacy==3.4.4\n',
  },
  { word: 'house', spec: '-e /home/dataiku/libs/house\nrequests\n', actual: 'requests==2.31.0\n' },
  {
    word: 'wheels',
    spec: '--find-links /data/wheels\n--no-index\nhouse-scoring==2.3\n',
    actual: 'house-scoring==2.3\n',
  },
  {
    word: 'old',
    spec: 'sklearn\ndistribute==0.7.3\ndead-package-of-2013==0.1\n',
    actual: 'sklearn==0.0.post1\n',
  },
  { word: 'empty', spec: '', actual: '' },
  { word: 'notes', spec: '# nothing yet: ask the data team\n\n', actual: '' },
  {
    word: 'llm',
    spec: 'torch==2.1.2\ntransformers[sentencepiece]>=4.36,<5\naccelerate\n  tokenizers \nbitsandbytes; sys_platform == "linux"',
    actual: 'accelerate==0.25.0\nbitsandbytes==0.41.3\ntokenizers==0.15.0\ntorch==2.1.2\ntransformers==4.36.2\n',
  },
  {
    word: 'geo',
    spec: 'Shapely==1.8.5.post1\r\ngeopandas~=0.10\r\npyproj!=3.2.0\r\n',
    actual: 'geopandas==0.10.2\npyproj==3.2.1\nShapely==1.8.5.post1\n',
  },
];

/** Lists for R: a package, or a package and its version, in a line. */
export const R_SETS: readonly PackageSet[] = [
  { word: 'r-plots', spec: 'ggplot2\ntidyr,"1.2.0"\n# plotly\n', actual: 'ggplot2,3.4.4\ntidyr,1.2.0\n' },
  { word: 'r-models', spec: 'forecast\nglmnet,"4.1"', actual: 'forecast,8.21\nglmnet,4.1\n' },
];

/** Specifications for conda. */
export const CONDA_SPECS: readonly string[] = ['libgdal=3.4\ngeos\n', '# from the mirror\ncudatoolkit=11.2\n', ''];

/** Scripts that fill a resources directory. */
export const RESOURCES_SCRIPTS: readonly string[] = [
  '## Downloads the models once.\nfrom dataiku.code_env_resources import clear_all_env_vars\n\nclear_all_env_vars()\n',
  'from dataiku.code_env_resources import set_env_path\n\nset_env_path("NLTK_DATA", "nltk")\n',
];
